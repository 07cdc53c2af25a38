/** Who asks. `groups` already contains system:authenticated or system:unauthenticated. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };

/** Requests the server makes to itself. */
export const loopback: User = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

export function authenticated(user: Omit<User, "groups"> & { readonly groups: readonly string[] }): User {
  const groups = user.groups.includes("system:authenticated") ? user.groups : [...user.groups, "system:authenticated"];
  return { ...user, groups };
}

const serviceAccountPrefix = "system:serviceaccount:";

export function serviceAccountUser(namespace: string, name: string): string {
  return `${serviceAccountPrefix}${namespace}:${name}`;
}

export function serviceAccountGroups(namespace: string): string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

export function parseServiceAccountUser(name: string): { namespace: string; name: string } | undefined {
  if (!name.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace, account, ...rest] = name.slice(serviceAccountPrefix.length).split(":");
  if (!namespace || !account || rest.length > 0) return undefined;
  return { namespace, name: account };
}

/** The node whose kubelet this is; undefined when it is none. */
export function nodeNameOf({ name, groups }: User): string | undefined {
  const prefix = "system:node:";
  if (!name.startsWith(prefix) || !groups.includes("system:nodes")) return undefined;
  return name.slice(prefix.length) || undefined;
}
