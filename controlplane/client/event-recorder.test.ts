import { expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import type { Pod } from "../api/mod.ts";
import { EventRecorder } from "./event-recorder.ts";
import { FakeApiServer } from "./fake.testing.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", namespace: "default", uid: "u1" },
  spec: { containers: [] },
};

function setUp() {
  const clock = new VirtualClock(Date.UTC(2030, 0, 1));
  const server = new FakeApiServer(clock);
  const client = server.client();
  const recorder = new EventRecorder(client, { component: "tester", clock, log: () => undefined });
  const events = async () => (await client.events.list({ namespace: "default" })).items;
  return { clock, server, client, recorder, events };
}

test("an event says what happened to which object, when, and who reports it", async () => {
  const { recorder, events } = setUp();
  recorder.event(pod, "Warning", "FailedCreate", "no room");
  await recorder.flush();
  expect(await events()).toMatchObject([
    {
      involvedObject: { kind: "Pod", namespace: "default", name: "a", uid: "u1" },
      type: "Warning",
      reason: "FailedCreate",
      message: "no room",
      source: { component: "tester" },
      count: 1,
      firstTimestamp: "2030-01-01T00:00:00Z",
    },
  ]);
});

test("the same again is counted", async () => {
  const { clock, recorder, events } = setUp();
  for (let i = 0; i < 3; i++) {
    recorder.event(pod, "Normal", "Pulled", "image");
    clock.advance(1000);
  }
  await recorder.flush();
  const [event, ...others] = await events();
  expect(others).toEqual([]);
  expect(event).toMatchObject({
    count: 3,
    firstTimestamp: "2030-01-01T00:00:00Z",
    lastTimestamp: "2030-01-01T00:00:02Z",
  });
});

test("one that has expired meanwhile is written anew", async () => {
  const { client, recorder, events } = setUp();
  recorder.event(pod, "Normal", "Pulled", "image");
  await recorder.flush();
  const [first] = await events();
  await client.events.delete("default", first?.metadata.name ?? "");
  recorder.event(pod, "Normal", "Pulled", "image");
  await recorder.flush();
  expect(await events()).toHaveLength(1);
});

test("messages that differ in wording only are combined, and a flood is cut off", async () => {
  const { recorder, events } = setUp();
  for (let i = 0; i < 100; i++) recorder.event(pod, "Normal", "Noise", `try ${i}`);
  await recorder.flush();
  const written = await events();
  expect(written.length).toBeLessThanOrEqual(25);
  expect(written.some(({ message }) => message?.startsWith("(combined from similar events): "))).toBe(true);
});
