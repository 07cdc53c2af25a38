import type { PodTemplateSpec, ReplicaSet } from "../../api/mod.ts";
import { canonicalJson } from "../common/equality.ts";
import { hashName } from "../common/hash.ts";

export const templateHashLabel = "pod-template-hash";

/** Names a template; `collisions` of the Deployment's status gives another name when one is taken. */
export function templateHash(template: PodTemplateSpec, collisions: number | undefined): string {
  return hashName(canonicalJson(template), collisions);
}

/** Whether two templates mean the same pods. ReplicaSets' templates carry the hash label, Deployments' do not. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return canonicalJson(withoutHash(a)) === canonicalJson(withoutHash(b));
}

function withoutHash(template: PodTemplateSpec = {}): PodTemplateSpec {
  const { [templateHashLabel]: _hash, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, name: "", labels } };
}

/** The oldest set with the Deployment's template, if there is one. */
export function findNew(template: PodTemplateSpec, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...replicaSets].sort(byAge).find((replicaSet) => sameTemplate(replicaSet.spec.template, template));
}

/** Oldest first; by name among those of one second. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [x = "", y = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
