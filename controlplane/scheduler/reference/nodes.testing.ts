import { matchesNodeSelectorTerm, type Node, type Pod, type Taint, type Toleration } from "../../api/mod.ts";
import type { PluginArgs } from "../mod.ts";
import { labelsOf, nameOf, podsOn, type Refusal, sum, type World } from "./world.testing.ts";

type AffinityArgs = NonNullable<PluginArgs["NodeAffinity"]>;

const never = (reason: string): Refusal => ({ reasons: [reason], unresolvable: true });

export function nodeName(pod: Pod, node: Node): Refusal | undefined {
  const wanted = pod.spec?.nodeName ?? "";
  return wanted === "" || wanted === nameOf(node) ? undefined : never("node(s) didn't match the requested node name");
}

function tolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(({ key = "", operator = "", value = "", effect = "" }) => {
    if (effect !== "" && effect !== taint.effect) return false;
    if (key !== "" && key !== taint.key) return false;
    if (operator === "Exists") return true;
    return (operator === "" || operator === "Equal") && value === (taint.value ?? "");
  });
}

/** The first taint that keeps the pod away. */
export function forbiddingTaint(pod: Pod, node: Node): Taint | undefined {
  return (node.spec?.taints ?? []).find(
    (taint) =>
      (taint.effect === "NoSchedule" || taint.effect === "NoExecute") && !tolerated(taint, pod.spec?.tolerations ?? []),
  );
}

export function nodeUnschedulable(pod: Pod, node: Node): Refusal | undefined {
  if (node.spec?.unschedulable !== true) return undefined;
  const asTaint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;
  return tolerated(asTaint, pod.spec?.tolerations ?? []) ? undefined : never("node(s) were unschedulable");
}

export function taints(pod: Pod, node: Node): Refusal | undefined {
  const taint = forbiddingTaint(pod, node);
  if (taint === undefined) return undefined;
  return never(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`);
}

/** How many taints ask the pod to stay away if it can. */
export function taintScore(pod: Pod, node: Node): number {
  const relevant = (pod.spec?.tolerations ?? []).filter(
    ({ effect = "" }) => effect === "" || effect === "PreferNoSchedule",
  );
  return (node.spec?.taints ?? []).filter((taint) => taint.effect === "PreferNoSchedule" && !tolerated(taint, relevant))
    .length;
}

/** spec.nodeSelector and the required node affinity. */
export function matchesRequiredAffinity(pod: Pod, node: Node): boolean {
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {})) {
    if (labelsOf(node)[key] !== value) return false;
  }
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return required.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}

export function nodeAffinity(pod: Pod, node: Node, args: AffinityArgs = {}): Refusal | undefined {
  const added = args.addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (added !== undefined && !added.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node))) {
    return never("node(s) didn't match scheduler-enforced node affinity");
  }
  return matchesRequiredAffinity(pod, node) ? undefined : never("node(s) didn't match Pod's node affinity/selector");
}

/**
 * Nodes that every term names by metadata.name: only those are looked at. Undefined: at least one term names none, so all are.
 * A term's several lists of names must all hold; terms are alternatives.
 */
export function namedNodes(pod: Pod): readonly string[] | undefined {
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined || required.nodeSelectorTerms.length === 0) return undefined;
  const names: string[] = [];
  for (const { matchFields = [] } of required.nodeSelectorTerms) {
    const lists = matchFields
      .filter(({ key, operator }) => key === "metadata.name" && operator === "In")
      .map(({ values = [] }) => values);
    const [first] = lists;
    if (first === undefined) return undefined;
    names.push(...first.filter((name) => lists.every((list) => list.includes(name))));
  }
  return names;
}

/** Sum of the weights of the preferences that hold; undefined: nobody has a preference. */
export function nodeAffinityScore(pod: Pod, node: Node, args: AffinityArgs = {}): number | undefined {
  const terms = [
    ...(args.addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
  ];
  if (terms.length === 0) return undefined;
  return sum(terms.map(({ weight, preference }) => (matchesNodeSelectorTerm(preference, node) ? weight : 0)));
}

interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

function hostPorts(pod: Pod): HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...(pod.spec?.containers ?? []), ...sidecars]
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ hostIP, protocol, hostPort }) => ({
      ip: hostIP || "0.0.0.0",
      protocol: protocol ?? "TCP",
      port: hostPort as number,
    }));
}

/** A port is taken for one address, or for all of them. */
export function nodePorts(pod: Pod, node: Node, world: World): Refusal | undefined {
  const taken = podsOn(world, node).flatMap(hostPorts);
  const clash = hostPorts(pod).some((want) =>
    taken.some(
      (has) =>
        has.port === want.port &&
        has.protocol === want.protocol &&
        (has.ip === want.ip || has.ip === "0.0.0.0" || want.ip === "0.0.0.0"),
    ),
  );
  return clash
    ? { reasons: ["node(s) didn't have free ports for the requested pod ports"], unresolvable: false }
    : undefined;
}

const mebi = 1024 * 1024;

/** `latest` is meant where an image has neither tag nor digest; a colon before the last slash belongs to a port. */
function fullName(image: string): string {
  return image.slice(image.lastIndexOf("/") + 1).includes(":") ? image : `${image}:latest`;
}

/** Sum of size x (nodes having it / all nodes), cut to 23 MiB .. 1000 MiB per image, scaled to 0..100. */
export function imageScore(pod: Pod, node: Node, world: World): number {
  const images = [
    ...(pod.spec?.initContainers ?? []).map(({ image }) => image),
    ...(pod.spec?.containers ?? []).map(({ image }) => image),
    ...(pod.spec?.volumes ?? []).flatMap(({ image }) => (image === undefined ? [] : [image.reference])),
  ].map((image) => fullName(image ?? ""));
  const sizeOn = (at: Node, name: string) =>
    at.status?.images?.find(({ names = [] }) => names.includes(name))?.sizeBytes;
  let found = 0;
  for (const name of images) {
    const size = sizeOn(node, name);
    if (size === undefined) continue;
    const holders = world.nodes.filter((other) => sizeOn(other, name) !== undefined).length;
    found += Math.trunc(size * (holders / world.nodes.length));
  }
  const [least, most] = [23 * mebi, 1000 * mebi * images.length];
  return Math.trunc((100 * (Math.min(Math.max(found, least), most) - least)) / (most - least));
}
