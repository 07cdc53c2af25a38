import { toUtf8 } from "../../../base/mod.ts";
import { toBase64 } from "../schema/base64.ts";
import type { Secret } from "../types/core/config.ts";
import type { Endpoints } from "../types/core/endpoints.ts";
import type { Namespace } from "../types/core/namespace.ts";
import type { EndpointSlice } from "../types/discovery.ts";
import type { ClusterRoleBinding, RoleBinding } from "../types/rbac.ts";

const rbacGroup = "rbac.authorization.k8s.io";

/** stringData is for writing only: what it says is moved to data. */
export function defaultSecret(secret: Secret): void {
  secret.type ??= "Opaque";
  if (secret.stringData === undefined) return;
  const data = { ...secret.data };
  for (const [key, text] of Object.entries(secret.stringData)) data[key] = toBase64(toUtf8(text));
  secret.data = Object.fromEntries(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)));
  delete secret.stringData;
}

/** Lets network policies and webhooks choose a namespace by name. */
export function defaultNamespace({ metadata }: Namespace): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
}

export function defaultEndpoints({ subsets }: Endpoints): void {
  for (const subset of subsets ?? []) for (const port of subset.ports ?? []) port.protocol ??= "TCP";
}

export function defaultEndpointSlice({ ports }: EndpointSlice): void {
  for (const port of ports ?? []) {
    port.name ??= "";
    port.protocol ??= "TCP";
  }
}

export function defaultBinding({ roleRef, subjects }: RoleBinding | ClusterRoleBinding): void {
  roleRef.apiGroup ||= rbacGroup;
  for (const subject of subjects ?? []) if (subject.kind !== "ServiceAccount") subject.apiGroup ||= rbacGroup;
}
