import { expect, test } from "vitest";
import type { Clock } from "../../base/mod.ts";
import { etcdErrors, PutResponse, type Status } from "../../proto/mod.ts";
import { ClientCall } from "./call.ts";
import { connectIn } from "./connect.ts";
import type { CallConnection } from "./connection.ts";

/** Waits are over at once. */
const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after(_, fire) {
    queueMicrotask(fire);
    return { cancel: () => undefined };
  },
};

/** Connections that answer at once: `a` is a learner, every other endpoint takes what it is given. Which were asked, in order. */
function learnerAt(learner: string) {
  const asked: string[] = [];
  const dial = (endpoint: CallConnection["endpoint"]): CallConnection => ({
    endpoint,
    opened: Promise.resolve(),
    usable: true,
    alive: true,
    failure: "",
    start: (method, _, listener) => {
      const call = new ClientCall(method as never, listener);
      asked.push(endpoint.authority);
      queueMicrotask(() => {
        const [code, text]: readonly [Status, string] =
          endpoint.authority === learner ? etcdErrors.NotSupportedForLearner : [0, ""];
        if (code === 0) call.deliver(PutResponse.create({}) as never);
        call.end(code, text);
      });
      return call;
    },
    send: () => undefined,
    cancel: () => undefined,
    close: () => undefined,
    retire: () => undefined,
  });
  return { asked, world: { clock, random: { below: () => 0 }, dial } };
}

const put = { key: Uint8Array.of(1), value: Uint8Array.of(2) };

test("a learner does nothing, so even a write goes on to the next endpoint, and stays there", async () => {
  const { asked, world } = learnerAt("a:1");
  const client = connectIn(world, { endpoints: ["http://a:1", "http://b:1"] });
  await client.kv.put(put);
  await client.kv.put(put);
  expect(asked).toEqual(["a:1", "b:1", "b:1"]);
});

test("who knows but the learner is told that it is one", async () => {
  const { asked, world } = learnerAt("a:1");
  const client = connectIn(world, { endpoints: ["http://a:1"] });
  await expect(client.kv.put(put)).rejects.toMatchObject({ etcdCode: "NotSupportedForLearner", maybeApplied: false });
  expect(asked).toEqual(["a:1"]);
});
