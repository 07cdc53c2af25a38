import { expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import type { ImageService } from "../runtime/cri.ts";
import { ImagePuller } from "./image-puller.ts";

/** An engine that has no image, whatever it is called. */
const engine = { imageStatus: async () => undefined } as unknown as ImageService;

async function refusal(container: { image: string; imagePullPolicy?: "Never" }) {
  const events: string[] = [];
  const sink = (type: string, reason: string, message: string) => events.push(`${type} ${reason}: ${message}`);
  const puller = new ImagePuller(engine, new VirtualClock());
  const asked = puller.ensure("uid", container, sink, async () => []);
  const { reason } = await asked.then(
    () => expect.unreachable("there is no image"),
    (error: { reason: string }) => error,
  );
  return { reason, events };
}

test("a name that is none is never asked for", async () => {
  expect(await refusal({ image: "Busy Box" })).toEqual({
    reason: "InvalidImageName",
    events: [
      'Warning InspectFailed: Failed to apply default image tag "Busy Box": couldn\'t parse image name "Busy Box": invalid reference format',
    ],
  });
});

test("an image that must not be pulled and is absent", async () => {
  expect(await refusal({ image: "team/tool:v1", imagePullPolicy: "Never" })).toEqual({
    reason: "ErrImageNeverPull",
    events: ['Warning ErrImageNeverPull: Container image "team/tool:v1" is not present with pull policy of Never'],
  });
});
