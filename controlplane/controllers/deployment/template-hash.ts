import type { PodTemplateSpec, ReplicaSet } from "../../api/mod.ts";
import { canonicalJson } from "../common/equality.ts";

export const templateHashLabel = "pod-template-hash";

/** Letters and digits that spell no words and are not mistaken for each other (apimachinery's rand.SafeEncodeString). */
const safe = "bcdfghjklmnpqrstvwxz2456789";

/** 32-bit FNV-1a. */
function fnv32a(bytes: Uint8Array, seed = 0x811c9dc5): number {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * Names a template: the same one gives the same name, `collisions` another one when a name is taken. Shaped like the original's, not
 * equal to it: that one hashes a dump of Go's memory.
 */
export function templateHash(template: PodTemplateSpec, collisions: number | undefined): string {
  let hash = fnv32a(Buffer.from(canonicalJson(template)));
  if (collisions !== undefined && collisions > 0) hash = fnv32a(Buffer.from(String(collisions)), hash);
  return [...String(hash)].map((digit) => safe[digit.charCodeAt(0) % safe.length]).join("");
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
