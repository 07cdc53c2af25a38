import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../base/mod.ts";
import { Client } from "../../controlplane/client/mod.ts";
import type { TestCluster } from "../support/cluster.ts";
import { Nemesis } from "./nemesis.ts";
import { orphans } from "./orphans.ts";
import { brokenPromises, unconverged, wrongMinutes } from "./verdict.ts";
import { Workload } from "./workload.ts";

export interface RandomFaultsOptions {
  readonly seed: number;
  /** How long faults go on. */
  readonly forMs: number;
  /** The longest that one may last. */
  readonly longestFaultMs: number;
  /** How long the cluster may take afterwards to be as it should. */
  readonly convergeWithinMs: number;
  say(line: string): void;
}

export interface RandomFaultsReport {
  readonly faults: readonly string[];
  readonly created: number;
  readonly deleted: number;
  readonly unanswered: number;
  readonly jobs: number;
  readonly convergedAfterMs: number;
  /** Empty when all is well. */
  readonly violations: readonly string[];
}

/** What the volumes of the StatefulSet hold, once its pods run. */
async function birthsOf(cluster: TestCluster): Promise<string[]> {
  await cluster.kubectl("rollout", "status", "statefulset/db", "--timeout=60s");
  const pods = ["db-0", "db-1", "db-2"];
  return Promise.all(pods.map((pod) => cluster.kubectl("exec", pod, "--", "cat", "/data/birth")));
}

/** Breaks a running cluster at random while it is used, then heals it and compares what is with what was promised. */
export async function randomFaults(cluster: TestCluster, options: RandomFaultsOptions): Promise<RandomFaultsReport> {
  const { say } = options;
  const random = seededRandom(options.seed);
  const client = await Client.fromKubeconfig(`${cluster.root}/kubeconfig`);
  const nemesis = await Nemesis.of(cluster);
  const workload = new Workload(client, seededRandom(options.seed + 1));
  const over = new AbortController();
  await workload.begin();
  const births = await birthsOf(cluster);
  const using = workload.go(over.signal);
  using.catch(() => over.abort());
  const faults: string[] = [];
  const healing: Promise<void>[] = [];
  const startedAt = performance.now();
  const elapsed = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  while (performance.now() - startedAt < options.forMs && !over.signal.aborted) {
    await delay(500 + random.below(3500));
    const fault = await nemesis.strike(random, options.longestFaultMs);
    faults.push(fault.what);
    say(`${elapsed()}  ${fault.what}${fault.lastsMs > 0 ? ` for ${(fault.lastsMs / 1000).toFixed(1)} s` : ""}`);
    const healed = delay(fault.lastsMs).then(() => fault.heal());
    healed.catch(() => undefined); // Reported below.
    healing.push(healed);
    // One that lasts may meet the next ones, but not another of its kind on the same thing.
    if (fault.lastsMs > 0 && random.below(2) === 0) await healed;
    else if (fault.lastsMs > 0) await Promise.race([healed, delay(3000)]);
  }
  await Promise.all(healing);
  over.abort();
  await using;
  const healedAtMs = Date.now();
  say(
    `${elapsed()}  healed; ${workload.created.size} objects created, ${workload.unanswered} requests without an answer`,
  );

  const since = performance.now();
  let wrong: string[] = [];
  do {
    await delay(500);
    wrong = await unconverged(cluster, client).then(
      async (complaints) => (complaints.length > 0 ? complaints : orphans(cluster, client, nemesis)),
      (error: Error) => [error.message],
    );
  } while (wrong.length > 0 && performance.now() - since < options.convergeWithinMs);
  const convergedAfterMs = performance.now() - since;
  say(
    `${elapsed()}  ${wrong.length === 0 ? `converged after ${(convergedAfterMs / 1000).toFixed(1)} s` : "not converged"}`,
  );
  const violations = [
    ...wrong.map((what) => `not converged: ${what}`),
    ...(await brokenPromises(client, workload)),
    ...(await birthsOf(cluster))
      .filter((birth, index) => birth !== births[index])
      .map((birth) => `data lost: ${birth}`),
    ...(await wrongMinutes(client, workload, healedAtMs)),
  ];
  await client.close();
  const { created, deleted, unanswered, jobs } = workload;
  return {
    faults,
    created: created.size,
    deleted: deleted.size,
    unanswered,
    jobs: jobs.size,
    convergedAfterMs,
    violations,
  };
}
