import type { Pod } from "../controlplane/api/mod.ts";
import {
  Client,
  ClusterResourceClient,
  isNotFound,
  type KubernetesObject,
  type ResourceClient,
} from "../controlplane/client/mod.ts";
import {
  type ClusterObjects,
  defaultProfile,
  type Explanation,
  explainPod,
  type Profile,
} from "../controlplane/scheduler/mod.ts";
import { requireCluster } from "./cluster/control.ts";
import { exitCodes } from "./component.ts";
import { clusterParser, oneOf } from "./flags.ts";
import { say, table } from "./output.ts";
import { loadSchedulerConfiguration } from "./scheduler.ts";

const help = `
Asks the scheduler's own plugins, on what the API server says now:

  filters   may the pod run on this node? The first plugin that refuses gives the
            reason that FailedScheduling shows. "can preempt": removing pods of
            lower priority might help.
  scores    of the nodes that are left, how good is each? Every plugin gives points,
            brings them to 0..100 (shown in parentheses if that changed them) and
            multiplies them by its weight.
  winner    the node with the highest sum; of several, the scheduler draws one.

A pod that has a node already is looked at as if it had none, so you see where it would
go now. Nothing is changed. In clusters of 100 nodes or more the scheduler looks at a
sample; this command looks at all.

Examples:
  flotilla explain pod web-0
  flotilla explain pod web-0 -n shop -o json | jq '.winners'
  flotilla explain pod web-0 --kubeconfig ~/.kube/config --config scheduler.yaml
`;

interface ExplainFlags {
  name: string;
  dataDir?: string;
  namespace: string;
  kubeconfig?: string;
  context?: string;
  config?: string;
  output: "text" | "json";
}

/** `flotilla explain pod NAME`: why a pod goes where it goes, or nowhere. Exit code 1 when no node would take it. */
export async function main(args: string[]): Promise<void> {
  const command = clusterParser("explain", "Explains where a pod can run, and why: every node, plugin by plugin.")
    .argument("<kind>", "pod", oneOf("pod", "pods", "po"))
    .argument("<pod>", "its name")
    .option("-n, --namespace <namespace>", "its namespace", "default")
    .option("--kubeconfig <file>", "any cluster's, instead of one of `flotilla list`")
    .option("--context <name>", "a context of that kubeconfig")
    .option("--config <file>", "the scheduler's KubeSchedulerConfiguration, if it has one")
    .option("-o, --output <format>", "text or json", oneOf("text", "json"), "text")
    .addHelpText("after", help)
    .allowExcessArguments(false)
    .parse(args, { from: "user" });
  const flags = command.opts<ExplainFlags>();
  const podName = command.args[1] as string;
  const kubeconfig = flags.kubeconfig ?? requireCluster(flags.name, flags.dataDir).layout.kubeconfig;
  const profiles = flags.config === undefined ? [] : loadSchedulerConfiguration(flags.config).profiles;
  const client = await Client.fromKubeconfig(kubeconfig, { context: flags.context });
  try {
    const pod = await client.pods.get(flags.namespace, podName);
    const schedulerName = pod.spec?.schedulerName || "default-scheduler";
    const profile = profiles.find((one) => one.schedulerName === schedulerName) ?? defaultProfile(schedulerName);
    const explanation = explainPod(pod, await gather(client), profile);
    if (explanation.winners.length === 0) process.exitCode = exitCodes.failed;
    if (flags.output === "json")
      say(JSON.stringify({ pod: `${flags.namespace}/${podName}`, ...explanation }, undefined, 2));
    else print(pod, explanation, profile);
  } finally {
    await client.close();
  }
}

/** All that plugins may ask about. A kind that the server does not have is empty. */
async function gather(client: Client): Promise<ClusterObjects> {
  const list = async <T extends KubernetesObject>(kind: ResourceClient<T> | ClusterResourceClient<T>): Promise<T[]> => {
    try {
      return (await (kind instanceof ClusterResourceClient ? kind.resource : kind).listAll()).items;
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  };
  const [nodes, pods, namespaces, services, replicaSets, statefulSets, replicationControllers] = await Promise.all([
    list(client.nodes),
    list(client.pods),
    list(client.namespaces),
    list(client.services),
    list(client.replicaSets),
    list(client.statefulSets),
    list(client.replicationControllers),
  ]);
  const [persistentVolumeClaims, persistentVolumes, storageClasses, csiNodes, csiDrivers, podDisruptionBudgets] =
    await Promise.all([
      list(client.persistentVolumeClaims),
      list(client.persistentVolumes),
      list(client.storageClasses),
      list(client.csiNodes),
      list(client.csiDrivers),
      list(client.podDisruptionBudgets),
    ]);
  return {
    ...{ nodes, pods, namespaces, services, replicaSets, statefulSets, replicationControllers },
    ...{ persistentVolumeClaims, persistentVolumes, storageClasses, csiNodes, csiDrivers, podDisruptionBudgets },
  };
}

function print(pod: Pod, { nodes, scores, totals, winners }: Explanation, profile: Profile): void {
  const { namespace, name } = pod.metadata;
  const where = pod.spec?.nodeName ? `runs on ${pod.spec.nodeName}; as if it did not` : "waits for a node";
  say(`pod ${namespace}/${name} ${where} (scheduler ${profile.schedulerName})`);
  const gates = (pod.spec?.schedulingGates ?? []).map((gate) => gate.name);
  if (gates.length > 0) say(`It is not tried at all while it has scheduling gates: ${gates.join(", ")}`);
  say("\nFilters: may it run there?");
  table(
    ["NODE", "VERDICT", "PLUGIN", "REASON"],
    nodes.flatMap(({ node, feasible, verdicts }) => {
      if (feasible) return [[node, "yes", "", ""]];
      const refusals = verdicts.filter(({ verdict }) => verdict === "refuses");
      const hopeless = refusals.some(({ unresolvable }) => unresolvable);
      return refusals.map(({ plugin, reasons }, i) => {
        const verdict = i > 0 ? "" : hopeless ? "no" : "no, can preempt";
        return [i === 0 ? node : "", verdict, plugin, reasons.join(", ")];
      });
    }),
  );
  if (totals.length === 0) {
    say("\nNo node takes it.");
    return;
  }
  const active = scores.filter(({ skipped }) => !skipped);
  const silent = scores.filter(({ skipped }) => skipped).map(({ plugin }) => plugin);
  say("\nScores: how good is it there?");
  table(
    ["NODE", ...active.map(({ plugin, weight }) => `${plugin} x${weight}`), "TOTAL"],
    totals.map(({ node, score }) => [
      node,
      ...active.map(({ nodes: points }) => {
        const { raw, normalized, weighted } = points.find((one) => one.node === node) as (typeof points)[number];
        return `${weighted}${raw === normalized ? "" : ` (${raw} -> ${normalized})`}`;
      }),
      String(score),
    ]),
  );
  if (silent.length > 0) say(`Nothing to say about this pod: ${silent.join(", ")}`);
  say(
    `\n${winners.length === 1 ? `Winner: ${winners[0]}` : `One of ${winners.length} equals, by lot: ${winners.join(", ")}`}`,
  );
}

if (import.meta.main) await main(process.argv.slice(2));
