import type { Pod } from "../../controlplane/api/mod.ts";
import type { Client } from "../../controlplane/client/mod.ts";
import type { TestCluster } from "../support/cluster.ts";
import type { Workload } from "./workload.ts";

const finished = ({ status }: Pod) => status?.phase === "Succeeded" || status?.phase === "Failed";
const ready = ({ status }: Pod) =>
  status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true;

/** What keeps the cluster from being as it was asked to be; empty when it is. */
export async function unconverged(cluster: TestCluster, client: Client): Promise<string[]> {
  const { components, healthy } = await cluster.status();
  if (!healthy)
    return components
      .filter(({ state }) => !/running|ready/i.test(state))
      .map(({ name, state }) => `${name} is ${state}`);
  const select = { namespace: "default" };
  const [deployments, statefulSets, jobs, pods] = await Promise.all([
    client.deployments.listAll(select),
    client.statefulSets.listAll(select),
    client.jobs.listAll(select),
    client.pods.listAll(select),
  ]);
  const complaints: string[] = [];
  const complain = (what: string, is: unknown, wanted: unknown) => {
    if (is !== wanted) complaints.push(`${what}: ${is}, not ${wanted}`);
  };
  for (const { metadata, spec, status } of [...deployments.items, ...statefulSets.items]) {
    const { name } = metadata;
    complain(`${name}: observed generation`, status?.observedGeneration, metadata.generation);
    for (const count of ["replicas", "updatedReplicas", "availableReplicas"] as const)
      complain(`${name}: ${count}`, status?.[count] ?? 0, spec.replicas);
    const own = pods.items.filter((pod) => pod.metadata.labels?.app === name && !finished(pod));
    complain(`${name}: pods`, own.length, spec.replicas);
    complain(`${name}: ready pods`, own.filter(ready).length, spec.replicas);
  }
  for (const { metadata, spec, status } of jobs.items) {
    const { completions = 1 } = spec;
    complain(`${metadata.name}: succeeded`, status?.succeeded ?? 0, completions);
    const complete = status?.conditions?.some(({ type, status: is }) => type === "Complete" && is === "True") === true;
    complain(`${metadata.name}: complete`, complete, true);
  }
  for (const { metadata } of pods.items)
    if (metadata.deletionTimestamp !== undefined) complaints.push(`${metadata.name} is still being deleted`);
  return complaints;
}

/** Promises of the server that it did not keep. */
export async function brokenPromises(client: Client, workload: Workload): Promise<string[]> {
  const broken: string[] = [];
  const objects = await client.configMaps.listAll({ namespace: "default" });
  const there = new Set(objects.items.map(({ metadata }) => metadata.name));
  for (const name of workload.created) if (!there.has(name)) broken.push(`${name} was created, and is not there`);
  for (const name of workload.deleted) if (there.has(name)) broken.push(`${name} was deleted, and is there`);
  const jobs = await client.jobs.listAll({ namespace: "default" });
  for (const [name, completions] of workload.jobs) {
    const job = jobs.items.find(({ metadata }) => metadata.name === name);
    const indexes = completions === 1 ? "0" : `0-${completions - 1}`;
    if (job === undefined) broken.push(`${name} was created, and is not there`);
    else if (job.status?.completedIndexes !== indexes)
      broken.push(`${name}: completed indexes ${job.status?.completedIndexes}, not ${indexes}`);
  }
  return broken;
}

const minuteMs = 60_000;

/** Minutes in which the CronJob of every minute did not start exactly one Job, from its creation to `untilMs`. */
export async function wrongMinutes(client: Client, workload: Workload, untilMs: number): Promise<string[]> {
  const jobs = await client.jobs.listAll({ namespace: "default" });
  const started = new Map<number, number>();
  for (const { metadata } of jobs.items) {
    const at = metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"];
    if (at === undefined) continue;
    const minute = Date.parse(at) / minuteMs;
    started.set(minute, (started.get(minute) ?? 0) + 1);
  }
  const wrong: string[] = [];
  // The minute of the creation may be over before the CronJob was seen.
  const first = Math.floor(workload.startedAtMs / minuteMs) + 1;
  for (let minute = first; minute * minuteMs <= untilMs; minute++) {
    const count = started.get(minute) ?? 0;
    if (count !== 1) wrong.push(`${new Date(minute * minuteMs).toISOString()}: ${count} Jobs`);
  }
  return wrong;
}
