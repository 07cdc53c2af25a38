import type { Subresource } from "./resource.ts";

const gvk = (kind: string) => ({ group: "", version: "v1", kind });

/** Subresources that connect to something instead of reading or writing: their options are query parameters. */
export function session(name: string, kind: string): Subresource {
  return { name, gvk: gvk(kind), verbs: ["create", "get"] };
}

export function proxy(kind: string): Subresource {
  return { name: "proxy", gvk: gvk(kind), verbs: ["create", "delete", "get", "patch", "update"] };
}
