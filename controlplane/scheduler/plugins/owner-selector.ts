import { matchesLabels, type Pod, type Requirement, type Selector } from "../../api/mod.ts";
import { selectorOf } from "../affinity-term.ts";
import type { Objects } from "../cluster.ts";

function byMap(labels: Readonly<Record<string, string>> | undefined): Requirement[] {
  return Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: "=", values: [value] }));
}

/**
 * What the pod belongs together with: the selectors of the Services that choose it, and of the ReplicationController, ReplicaSet or
 * StatefulSet that controls it, all at once (plugins/helper/spread.go, DefaultSelector). Undefined when there are none.
 */
export function ownerSelector(pod: Pod, objects: Objects): Selector | undefined {
  const { namespace = "", labels } = pod.metadata;
  const requirements: Requirement[] = [];
  for (const service of objects.services(namespace)) {
    const chosen = byMap(service.spec?.selector);
    if (chosen.length > 0 && matchesLabels(chosen, labels)) requirements.push(...chosen);
  }
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner?.kind === "ReplicationController") {
    requirements.push(...byMap(objects.replicationController(namespace, owner.name)?.spec?.selector));
  } else if (owner?.kind === "ReplicaSet" || owner?.kind === "StatefulSet") {
    const find = owner.kind === "ReplicaSet" ? objects.replicaSet : objects.statefulSet;
    const found = find.call(objects, namespace, owner.name)?.spec?.selector;
    const selector = found === undefined ? [] : selectorOf(found);
    if (selector !== "nothing") requirements.push(...selector);
  }
  return requirements.length === 0 ? undefined : requirements;
}
