import { seededRandom } from "../../base/mod.ts";
import { connect } from "../../kvstore/client/mod.ts";
import { clientOf, type Recorder } from "../history/mod.ts";
import { chanceOf, type WorkloadClient } from "../workloads/mod.ts";
import type { Cluster } from "./cluster.ts";
import { machineClock, sleep } from "./machine-clock.ts";

/** So many clients: each begins with a member of its own, and goes to the next when that does not answer. */
export function crewOf(cluster: Cluster, count: number, seed: number): WorkloadClient[] {
  const urls = cluster.members.map(({ clientUrl }) => clientUrl);
  return Array.from({ length: count }, (_, number) => {
    const at = number % urls.length;
    const etcd = connect({
      endpoints: [...urls.slice(at), ...urls.slice(0, at)],
      ...{ timeoutMs: 2000, dialTimeoutMs: 500, keepaliveMs: 500, keepaliveTimeoutMs: 500 },
    });
    return { number, etcd, clock: machineClock, chance: chanceOf(seededRandom(seed + number + 1)) };
  });
}

/** Waits until every client has had an answer to something that it asked from now on, or as long as that may take. */
export async function allServed(recorder: Recorder, clients: number, patienceMs: number): Promise<void> {
  const waiting = new Set(Array.from({ length: clients }, (_, client) => client));
  const asked = new Set<number>();
  let at = recorder.events.length;
  for (const until = performance.now() + patienceMs; waiting.size > 0 && performance.now() < until; await sleep(50))
    for (; at < recorder.events.length; at++) {
      const { process, type } = recorder.events[at]!;
      if (process === "nemesis") continue;
      if (type === "invoke") asked.add(process);
      else if (type === "ok" && asked.has(process)) waiting.delete(clientOf(process, clients));
    }
}
