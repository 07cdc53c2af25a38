import { expect, test } from "vitest";
import { Deferred, seededRandom, VirtualClock } from "../../../base/mod.ts";
import { pod } from "./pod.testing.ts";
import { type PassResult, type PodSyncer, PodWorker } from "./pod-worker.ts";

const deleted = (graceSeconds: number) =>
  pod({}, { deletionTimestamp: "2030-01-01T00:00:00Z", deletionGracePeriodSeconds: graceSeconds });

/** A worker whose passes write down that they ran; each may be made to wait, to fail, or to say something. */
function working() {
  const clock = new VirtualClock();
  const ran: string[] = [];
  const answers: (PassResult | Error | Promise<PassResult>)[] = [];
  let ending: Promise<void> | undefined;
  let done = false;
  const syncer: PodSyncer = {
    async sync() {
      ran.push("sync");
      const answer = await answers.shift();
      if (answer instanceof Error) throw answer;
      return answer ?? {};
    },
    async syncTerminating() {
      ran.push("terminating");
      await ending;
    },
    async syncTerminated() {
      ran.push("terminated");
    },
    async hasten(one) {
      ran.push(`hasten ${one.metadata.deletionGracePeriodSeconds}`);
    },
    async cleanUp() {
      ran.push("clean up");
    },
  };
  const onDone = () => {
    done = true;
  };
  const worker = new PodWorker(pod(), { clock, random: seededRandom(1), log: () => undefined, syncer, onDone });
  return {
    worker,
    answers,
    clock,
    isDone: () => done,
    endingTakes: (promise: Promise<void>) => {
      ending = promise;
    },
    /** What ran since the last look, once everything that can happen now has happened. */
    async seen() {
      for (let i = 0; i < 50; i++) await Promise.resolve();
      return ran.splice(0);
    },
  };
}

test("however often it is woken during a pass, one more pass follows", async () => {
  const { worker, answers, seen } = working();
  const first = new Deferred<PassResult>();
  answers.push(first.promise);
  worker.wake();
  for (let i = 0; i < 5; i++) worker.wake();
  expect(await seen()).toEqual(["sync"]);
  first.resolve({});
  expect(await seen()).toEqual(["sync"]);
});

test("looks again about every minute, or when it was told to", async () => {
  const { worker, answers, clock, seen } = working();
  answers.push({ retryAfterMs: 7_000 });
  worker.wake();
  await seen();
  clock.advance(6_999);
  expect(await seen()).toEqual([]);
  clock.advance(1);
  expect(await seen()).toEqual(["sync"]);
  clock.advance(29_000);
  expect(await seen()).toEqual([]);
  clock.advance(61_000);
  expect(await seen()).toEqual(["sync"]);
});

test("a pass that fails is repeated, slower each time", async () => {
  const { worker, answers, clock, seen } = working();
  for (let i = 0; i < 4; i++) answers.push(new Error("no"));
  worker.wake();
  await seen();
  for (const waitMs of [500, 1_000, 2_000]) {
    clock.advance(waitMs - 1);
    expect(await seen()).toEqual([]);
    clock.advance(1);
    expect(await seen()).toEqual(["sync"]);
  }
});

test("a deleted pod ends in order, and is forgotten once the API has forgotten it", async () => {
  const { worker, seen, isDone } = working();
  worker.wake();
  await seen();
  worker.update(deleted(30));
  expect(await seen()).toEqual(["terminating", "terminated"]);
  expect([worker.stage, isDone()]).toEqual(["finished", false]);
  worker.remove();
  expect(await seen()).toEqual(["clean up"]);
  expect([worker.stage, isDone()]).toEqual(["done", true]);
});

test("a pod that is over ends, and stays to be looked at", async () => {
  const { worker, answers, seen } = working();
  answers.push({ terminal: true });
  worker.wake();
  expect(await seen()).toEqual(["sync", "terminating", "terminated"]);
  worker.wake();
  expect(await seen()).toEqual([]);
});

test("a pod that vanished from the API is ended all the same", async () => {
  const { worker, seen } = working();
  worker.wake();
  await seen();
  worker.remove();
  expect(await seen()).toEqual(["terminating", "terminated", "clean up"]);
});

test("a second deletion with less grace hastens the end that is under way", async () => {
  const { worker, seen, endingTakes } = working();
  const end = new Deferred<void>();
  endingTakes(end.promise);
  worker.update(deleted(30));
  expect(await seen()).toEqual(["terminating"]);
  worker.update(deleted(30));
  expect(await seen()).toEqual([]);
  worker.update(deleted(1));
  expect(await seen()).toEqual(["hasten 1"]);
  end.resolve();
  expect(await seen()).toEqual(["terminated"]);
});

test("once stopped it does nothing more", async () => {
  const { worker, clock, seen } = working();
  worker.wake();
  await seen();
  worker.stop();
  worker.wake();
  clock.advance(1_000_000);
  expect(await seen()).toEqual([]);
});
