import { seededRandom, toUtf8, VirtualClock } from "../../../base/mod.ts";
import { isFailure, MemoryHome, openState, type State } from "../../../kvstore/mod.ts";
import { PutRequest } from "../../../proto/mod.ts";
import { hashAgreement } from "../../checkers/mod.ts";
import { Recorder } from "../../history/mod.ts";
import type { Caught } from "../bug.ts";

/** Two states of the same log, one of which was falsified in one value: their hashes must differ, or damage is found by nobody. */
export async function trial(seed: number): Promise<readonly Caught[]> {
  const random = seededRandom(seed);
  const clock = new VirtualClock();
  const states = [await opened(clock), await opened(clock)];
  const puts = 1 + random.below(20);
  const falsified = random.below(puts);
  for (let put = 0; put < puts; put++) {
    for (const [at, { applier, store }] of states.entries()) {
      const value = at === 1 && put === falsified ? "another" : `value ${put}`;
      applier.put(PutRequest.create({ key: toUtf8(`key ${put}`), value: toUtf8(value) }));
      store.setApplied(put + 1, 1);
    }
  }
  const recorder = new Recorder({ nowNs: () => 0, clients: 1 });
  for (const [at, { store }] of states.entries()) {
    const found = await until(clock, store.hashKv(0));
    if (isFailure(found)) throw new Error(`the hash of a state cannot be had: ${found.failure}`);
    const { hash, hashRevision: revision, compactRevision } = found;
    recorder.invoke(0, "hash", {})("ok", { member: `m${at}`, revision, compactRevision, hash });
  }
  if (hashAgreement(recorder.events, {}).valid === false) return [];
  return [{ by: "HashKV of a falsified member", what: "one of two members has another value, and the same hash" }];
}

function opened(clock: VirtualClock): Promise<State> {
  const onFailure = (error: unknown) => {
    throw error;
  };
  return openState({ home: new MemoryHome(), clock, minLeaseTtl: 2, onFailure });
}

/** Lets time pass until `job` is done. */
async function until<T>(clock: VirtualClock, job: Promise<T>): Promise<T> {
  let done = false;
  const finished = job.finally(() => {
    done = true;
  });
  while (!done) {
    clock.advance(1);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return finished;
}
