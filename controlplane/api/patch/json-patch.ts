import { equalJson } from "../schema/equal.ts";
import { setOwn } from "../schema/json.ts";
import { isObject } from "./merge-patch.ts";

/** The changed document, or why the patch cannot be applied. `malformed`: it is not a patch at all (400 rather than 422). */
export type PatchResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string; readonly malformed: boolean };

const maxOperations = 10_000;

/** RFC 6902. All operations apply, or none. `document` is not changed. */
export function applyJsonPatch(document: unknown, patch: unknown): PatchResult {
  try {
    return { ok: true, value: operationsOf(patch).reduce(applyOperation, document) };
  } catch (error) {
    if (error instanceof PatchError) return { ok: false, message: error.message, malformed: error.malformed };
    throw error;
  }
}

class PatchError extends Error {
  readonly malformed: boolean;

  constructor(message: string, malformed = false) {
    super(message);
    this.malformed = malformed;
  }
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from: unknown;
  readonly value: unknown;
  readonly hasValue: boolean;
}

function operationsOf(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw new PatchError("a JSON patch must be an array of operations", true);
  if (patch.length > maxOperations) {
    throw new PatchError(
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
      true,
    );
  }
  return patch.map((entry: unknown) => {
    if (!isObject(entry) || typeof entry.op !== "string" || typeof entry.path !== "string") {
      throw new PatchError("an operation of a JSON patch needs op and path", true);
    }
    const { op, path, from, value } = entry as { op: string; path: string; from?: unknown; value?: unknown };
    return { op, path, from, value, hasValue: Object.hasOwn(entry, "value") };
  });
}

function applyOperation(document: unknown, operation: Operation): unknown {
  const { op, path, value, hasValue } = operation;
  const needsValue = op === "add" || op === "replace" || op === "test";
  if (needsValue && !hasValue) throw new PatchError(`${op} operation without a value at ${path}`, true);
  switch (op) {
    case "add":
      return add(document, pointer(path), value);
    case "remove":
      return remove(document, pointer(path), op);
    case "replace": {
      const at = pointer(path);
      if (at.length === 0) return value;
      get(document, at, op);
      return edit(document, at, (parent, key) => put(parent, key, value));
    }
    case "move": {
      const from = fromOf(operation);
      if (`${path}/`.startsWith(`${operation.from}/`) && path !== operation.from) {
        throw new PatchError(`move operation cannot move ${operation.from} into itself`);
      }
      return add(remove(document, from, op), pointer(path), get(document, from, op));
    }
    case "copy":
      return add(document, pointer(path), get(document, fromOf(operation), op));
    case "test":
      if (!equalJson(get(document, pointer(path), op), value)) {
        throw new PatchError(`testing value ${path} failed: test failed`);
      }
      return document;
    default:
      throw new PatchError(`Unexpected kind: ${op}`, true);
  }
}

function fromOf({ op, from, path }: Operation): string[] {
  if (typeof from !== "string") throw new PatchError(`${op} operation without from at ${path}`, true);
  return pointer(from);
}

/** RFC 6901: `/a~1b/0` is the first item of what stands under "a/b". */
function pointer(path: string): string[] {
  if (path === "") return [];
  if (!path.startsWith("/")) throw new PatchError(`path ${JSON.stringify(path)} does not start with /`);
  return path
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function get(document: unknown, path: readonly string[], op: string): unknown {
  let value = document;
  for (const key of path) {
    if (Array.isArray(value)) value = value[indexIn(value, key, value.length - 1)];
    else if (isObject(value) && Object.hasOwn(value, key)) value = value[key];
    else throw new PatchError(`${op} operation does not apply: doc is missing path: /${path.join("/")}: missing value`);
  }
  return value;
}

function add(document: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  return edit(document, path, (parent, key) => {
    if (!Array.isArray(parent)) return put(parent, key, value);
    const index = key === "-" ? parent.length : indexIn(parent, key, parent.length);
    return parent.toSpliced(index, 0, value);
  });
}

function remove(document: unknown, path: readonly string[], op: string): unknown {
  get(document, path, op);
  if (path.length === 0) return null;
  return edit(document, path, (parent, key) => {
    if (Array.isArray(parent)) return parent.toSpliced(indexIn(parent, key, parent.length - 1), 1);
    const { [key]: _, ...rest } = parent;
    return rest;
  });
}

type Container = Record<string, unknown> | unknown[];

/** A copy of the document in which the container that `path` ends in was changed; what is not on the way is shared. */
function edit(
  document: unknown,
  path: readonly string[],
  change: (parent: Container, key: string) => Container,
): unknown {
  const [key, ...rest] = path as [string, ...string[]];
  if (!isObject(document) && !Array.isArray(document)) {
    throw new PatchError(`operation does not apply: doc is missing path: /${path.join("/")}: missing value`);
  }
  if (rest.length === 0) return change(document, key);
  return put(document, key, edit(get(document, [key], "patch"), rest, change));
}

function put(container: Container, key: string, value: unknown): Container {
  if (Array.isArray(container)) return container.with(indexIn(container, key, container.length - 1), value);
  const copy = { ...container };
  setOwn(copy, key, value);
  return copy;
}

function indexIn(list: readonly unknown[], key: string, last: number): number {
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN;
  if (!(index <= last))
    throw new PatchError(`operation does not apply: index ${key} is out of bounds of ${list.length} items`);
  return index;
}
