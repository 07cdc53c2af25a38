import {
  type Amounts,
  addAmounts,
  type GroupResource,
  type KubeObject,
  onlyAmounts,
  Quantity,
  quotaMatches,
  quotaNames,
  quotaUsage,
  type ResourceQuota,
  resourceListOf,
} from "../../api/mod.ts";

/** Objects of one kind in the quota's namespace. */
export interface Population {
  readonly kind: GroupResource;
  readonly objects: readonly KubeObject[];
}

/** Kinds whose objects take something by what is in them; of all others only the number counts. */
export const wholeKinds: readonly GroupResource[] = ["pods", "services", "persistentvolumeclaims"].map((resource) => ({
  group: "",
  resource,
}));

const plainCounts = ["configmaps", "replicationcontrollers", "resourcequotas", "secrets"];

/** The kinds that a quota with these names limits. */
export function kindsOf(names: Iterable<string>): GroupResource[] {
  const all = [...names];
  const kinds = wholeKinds.filter((kind) => quotaNames(kind, all).length > 0);
  for (const name of all) {
    const counted = /^count\/([^.]+)(?:\.(.+))?$/.exec(name);
    const plain = plainCounts.includes(name) ? name : undefined;
    const resource = counted?.[1] ?? plain;
    if (resource === undefined) continue;
    const kind = { group: counted?.[2] ?? "", resource };
    if (!kinds.some((it) => it.group === kind.group && it.resource === kind.resource)) kinds.push(kind);
  }
  return kinds;
}

/** What the status should say. A limit on what nothing is known to take is taken by nothing. */
export function plan(
  { spec }: ResourceQuota,
  populations: readonly Population[],
  nowMs: number,
): NonNullable<ResourceQuota["status"]> {
  const hard = spec?.hard ?? {};
  const names = Object.keys(hard);
  const asLimited = { spec: spec ?? {}, status: { hard } };
  let used: Amounts = new Map(names.map((name) => [name, Quantity.zero]));
  for (const { kind, objects } of populations) {
    const counted = quotaNames(kind, names);
    for (const object of objects) {
      if (!quotaMatches(asLimited, kind, object)) continue;
      used = addAmounts(used, onlyAmounts(quotaUsage(kind, object, nowMs), counted));
    }
  }
  return { hard, used: resourceListOf(used) };
}
