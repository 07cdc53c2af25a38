import type { IncomingHttpHeaders } from "node:http";
import type { Attributes } from "./rules.ts";
import { anonymous, parseServiceAccountUser, serviceAccountGroups, type User } from "./user.ts";

export interface Impersonation {
  readonly user: User;
  /** What the real user must be allowed, all of it, before becoming `user`. */
  readonly checks: readonly (Attributes & { kind: "resource" })[];
}

/** "NoUser": groups, uid or extra were named without a user. undefined: nothing of the kind was asked. */
export function impersonation(headers: IncomingHttpHeaders, real: User): Impersonation | "NoUser" | undefined {
  const name = one(headers["impersonate-user"]);
  const groups = many(headers["impersonate-group"]);
  const uid = one(headers["impersonate-uid"]);
  const extra = extras(headers);
  if (name === "") return groups.length > 0 || uid !== "" || Object.keys(extra).length > 0 ? "NoUser" : undefined;

  const checks: (Attributes & { kind: "resource" })[] = [];
  const check = (
    group: string,
    resource: string,
    target: string,
    more: { namespace?: string; subresource?: string } = {},
  ) =>
    checks.push({
      kind: "resource",
      user: real,
      verb: "impersonate",
      group,
      resource,
      subresource: more.subresource ?? "",
      namespace: more.namespace ?? "",
      name: target,
    });

  const account = parseServiceAccountUser(name);
  if (account !== undefined) check("", "serviceaccounts", account.name, { namespace: account.namespace });
  else check("", "users", name);
  for (const group of groups) check("", "groups", group);
  for (const [key, values] of Object.entries(extra))
    for (const value of values) check("authentication.k8s.io", "userextras", value, { subresource: key });
  if (uid !== "") check("authentication.k8s.io", "uids", uid);

  const implied = account !== undefined && groups.length === 0 ? serviceAccountGroups(account.namespace) : groups;
  const base = name === anonymous.name ? anonymous.groups : ["system:authenticated"];
  return {
    user: {
      name,
      ...(uid !== "" && { uid }),
      groups: [...new Set([...implied, ...base])],
      ...(Object.keys(extra).length > 0 && { extra }),
    },
    checks,
  };
}

function extras(headers: IncomingHttpHeaders): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith("impersonate-extra-")) continue;
    const key = header.slice("impersonate-extra-".length);
    extra[decodeKey(key)] = many(value);
  }
  return extra;
}

/** Keys are percent-encoded where a header name cannot hold them; what does not decode stands for itself. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

const one = (value: string | string[] | undefined) => [value ?? ""].flat()[0] ?? "";
/** Repeated headers arrive joined by ", ": names of groups hold no comma. */
const many = (value: string | string[] | undefined) =>
  [value ?? []]
    .flat()
    .flatMap((text) => text.split(",").map((part) => part.trim()))
    .filter(Boolean);
