import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../../base/mod.ts";
import { type ManagedMember, ManagedStore } from "../../support/managed-store.ts";
import { History } from "./history.ts";
import { Load } from "./load.ts";
import { freePorts } from "./members.ts";
import { compare } from "./verdict.ts";

export interface ReplaceOptions {
  readonly times: number;
  readonly seed: number;
  readonly args?: readonly string[];
  /** Ends it after the replacement under way. */
  readonly signal?: AbortSignal;
  say(line: string): void;
}

export interface ReplaceReport {
  readonly times: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly violations: readonly string[];
}

const portsEach = 4;
const size = 3;

/**
 * Members of a process manager, with TLS between them and forwarders that drop bytes in the middle of it, under load, one of them slow: one after the other is removed, killed, deleted and
 * added again under its name and URL, and has to appear by its name.
 */
export async function replace({ times, seed, args = [], signal, say }: ReplaceOptions): Promise<ReplaceReport> {
  const store = await ManagedStore.make(await freePorts(portsEach * size), { args, size });
  const random = seededRandom(seed);
  const history = new History(1);
  const violations: string[] = [];
  let load: Load | undefined;
  let done = 0;
  try {
    await store.start();
    const endpoints = store.members.map(({ clientUrl }) => clientUrl);
    load = new Load({ history, endpoints, seed: seed + 1 });
    while (done < times && violations.length === 0 && !signal?.aborted) {
      await load.acknowledged(100);
      const member = store.members[random.below(size)] as ManagedMember;
      for (const { forwarder } of store.members)
        forwarder.weather = random.below(2) === 0 ? { kind: "dropping", probability: 0.01 } : { kind: "fair" };
      // One of those that stay lags with changes of membership: it must not mislead the one that joins.
      const slow = store.members.find((one) => one !== member) as ManagedMember;
      await store.failpoint(slow, "beforeApplyOneConfChange", `sleep(${random.below(1500)})`);
      const since = performance.now();
      await store.replace(member);
      await store.failpoint(slow, "beforeApplyOneConfChange");
      const seconds = ((performance.now() - since) / 1000).toFixed(1);
      for (const { forwarder } of store.members) forwarder.weather = { kind: "fair" };
      await load.acknowledged(100);
      await load.pause();
      violations.push(...(await compare(history, endpoints, undefined, random)));
      load.resume();
      done++;
      say(`${done}/${times}  ${member.name} replaced in ${seconds} s; revision ${history.checkedRevision}`);
      await delay(random.below(200));
    }
  } catch (error) {
    // A replacement that does not come to its end is one that failed.
    violations.push((error as Error).message);
  } finally {
    await load?.stop();
    await store.remove();
  }
  const { acknowledged, unknown } = history;
  return { times: done, acknowledged, unknown, violations };
}
