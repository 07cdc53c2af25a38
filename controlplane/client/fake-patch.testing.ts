import { StatusError } from "./fake-status.testing.ts";

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * RFC 7386, and as much of strategic merging as components send: lists of objects are merged by the first of the keys below that
 * their elements have; `$patch: delete` removes one; `$setElementOrder` is accepted and ignored.
 */
const mergeKeys = ["uid", "type", "name", "containerPort", "port", "key", "ip"];

export function mergePatch(target: unknown, patch: unknown, contentType: string): unknown {
  if (contentType.startsWith("application/merge-patch+json")) return merge(target, patch, false);
  if (contentType.startsWith("application/strategic-merge-patch+json")) return merge(target, patch, true);
  if (contentType.startsWith("application/json-patch+json")) return jsonPatch(target, patch as Operation[]);
  throw new StatusError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format: ${contentType}`,
  );
}

function merge(target: unknown, patch: unknown, strategic: boolean): unknown {
  if (strategic && Array.isArray(patch) && Array.isArray(target)) return mergeLists(target, patch);
  if (!isFields(patch)) return patch;
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$setElementOrder/") || name === "$patch") continue;
    if (name.startsWith("$deleteFromPrimitiveList/")) {
      const list = name.slice("$deleteFromPrimitiveList/".length);
      result[list] = ((result[list] as unknown[]) ?? []).filter((item) => !(value as unknown[]).includes(item));
    } else if (value === null) delete result[name];
    else result[name] = merge(result[name], value, strategic);
  }
  return result;
}

function mergeLists(target: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const key = mergeKeys.find((name) => patch.every((item) => isFields(item) && name in item));
  if (key === undefined) return patch.some(isFields) ? [...patch] : [...new Set([...target, ...patch])];
  const result = [...target];
  for (const item of patch as Fields[]) {
    const at = result.findIndex((other) => isFields(other) && other[key] === item[key]);
    if (item.$patch === "delete") {
      if (at !== -1) result.splice(at, 1);
    } else if (at === -1) result.push(item);
    else result[at] = merge(result[at], item, true);
  }
  return result;
}

interface Operation {
  readonly op: "add" | "remove" | "replace" | "test";
  readonly path: string;
  readonly value?: unknown;
}

function jsonPatch(target: unknown, operations: readonly Operation[]): unknown {
  const result = structuredClone(target) as Fields;
  for (const { op, path, value } of operations) {
    const steps = path
      .split("/")
      .slice(1)
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop() ?? "";
    let at = result;
    for (const step of steps) at = (at?.[step] ?? {}) as Fields;
    if (op === "test" && JSON.stringify(at[last]) !== JSON.stringify(value)) {
      throw new StatusError(
        422,
        "Invalid",
        `the server rejected our request due to an error in our request: testing path ${path}`,
      );
    }
    if (op === "remove") {
      if (Array.isArray(at)) at.splice(Number(last), 1);
      else delete at[last];
    } else if (op !== "test") {
      if (Array.isArray(at) && last === "-") at.push(value);
      else if (Array.isArray(at) && op === "add") at.splice(Number(last), 0, value);
      else at[last] = value;
    }
  }
  return result;
}
