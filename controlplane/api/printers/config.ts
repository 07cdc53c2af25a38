import type { Lease } from "../types/coordination.ts";
import type { ConfigMap, Secret } from "../types/core/config.ts";
import type { ClusterRoleBinding, RoleBinding } from "../types/rbac.ts";
import { ageColumn, type Column, column, nameColumn, wide } from "./column.ts";

export const configMapColumns: readonly Column<ConfigMap>[] = [
  nameColumn,
  column("Data", "Number of keys.", ({ data, binaryData }) => {
    return Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length;
  }),
  ageColumn,
];

export const secretColumns: readonly Column<Secret>[] = [
  nameColumn,
  column("Type", "What it is for.", ({ type }) => type ?? ""),
  column("Data", "Number of keys.", ({ data }) => Object.keys(data ?? {}).length),
  ageColumn,
];

export const leaseColumns: readonly Column<Lease>[] = [
  nameColumn,
  column("Holder", "Who holds it.", ({ spec }) => spec.holderIdentity ?? ""),
  ageColumn,
];

type AnyBinding = RoleBinding | ClusterRoleBinding;

function subjects(binding: AnyBinding, kind: string): string {
  return (binding.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === "ServiceAccount" ? `${namespace}/${name}` : name))
    .join(", ");
}

export const bindingColumns: readonly Column<AnyBinding>[] = [
  nameColumn,
  column("Role", "What it grants.", ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  wide(column("Users", "Users it grants that to.", (binding) => subjects(binding, "User"))),
  wide(column("Groups", "Groups it grants that to.", (binding) => subjects(binding, "Group"))),
  wide(column("ServiceAccounts", "Service accounts it grants that to.", (b) => subjects(b, "ServiceAccount"))),
];
