import { equalJson } from "../schema/equal.ts";
import type { AnyMessage, FieldType, PatchStrategy } from "../schema/field.ts";
import { setOwn } from "../schema/json.ts";
import type { PatchResult } from "./json-patch.ts";
import { isObject } from "./merge-patch.ts";

/**
 * A merge patch that knows the schema: lists whose items have a merge key are merged item by item, and directives say what a plain
 * merge cannot.
 *
 *     $patch: replace | delete | merge      on an object, or on an item of a list
 *     $retainKeys: [a, b]                   no other keys of the object survive
 *     $deleteFromPrimitiveList/f: [x]       takes x out of the list f
 *     $setElementOrder/f: [...]             the order of the list f after merging
 *
 * (kubernetes/community: contributors/devel/sig-api-machinery/strategic-merge-patch.md.) `target` is not changed.
 */
export function applyStrategicMergePatch(schema: AnyMessage, target: unknown, patch: unknown): PatchResult {
  if (!isObject(patch)) return { ok: false, message: "a strategic merge patch must be an object", malformed: true };
  try {
    return { ok: true, value: mergeObject({ kind: "message", message: schema }, target, patch) };
  } catch (error) {
    if (error instanceof BadPatch) return { ok: false, message: error.message, malformed: true };
    throw error;
  }
}

class BadPatch extends Error {}

type Json = Record<string, unknown>;

const deletion = "$deleteFromPrimitiveList/";
const ordering = "$setElementOrder/";

/** `type` is undefined where the schema knows nothing (free JSON): there, lists are replaced. */
function mergeObject(type: FieldType | undefined, target: unknown, patch: Json): Json {
  const original = isObject(target) ? target : {};
  const { $patch: directive, $retainKeys: retained, ...changes } = patch;
  if (directive === "replace") return mergeObject(type, {}, changes);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") throw new BadPatch(`Unknown patch type found: ${directive}`);

  const merged: Json = retained === undefined ? { ...original } : pick(original, retained);
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith(ordering)) continue;
    if (key.startsWith(deletion)) {
      const name = key.slice(deletion.length);
      if (Array.isArray(merged[name])) merged[name] = without(merged[name], asList(value, key));
    } else if (value === null) delete merged[key];
    else {
      const order = changes[`${ordering}${key}`];
      const from = Object.hasOwn(merged, key) ? merged[key] : undefined;
      setOwn(
        merged,
        key,
        mergeValue(fieldOf(type, key), from, value, order === undefined ? undefined : asList(order, key)),
      );
    }
  }
  for (const [key, order] of Object.entries(changes)) {
    const name = key.startsWith(ordering) ? key.slice(ordering.length) : undefined;
    // Where the list itself was patched, it was ordered then.
    if (name === undefined || Object.hasOwn(changes, name) || !Array.isArray(merged[name])) continue;
    const { patch: strategy } = fieldOf(type, name);
    merged[name] = inOrder(merged[name], asList(order, key), merged[name], strategy?.mergeKey);
  }
  return merged;
}

interface FieldOf {
  readonly type?: FieldType;
  readonly patch?: PatchStrategy;
}

function fieldOf(type: FieldType | undefined, key: string): FieldOf {
  if (type?.kind === "map") return { type: type.values };
  if (type?.kind !== "message" || !Object.hasOwn(type.message.fields, key)) return {};
  return type.message.fields[key] as FieldOf;
}

function mergeValue(
  { type, patch: strategy }: FieldOf,
  target: unknown,
  value: unknown,
  order?: readonly unknown[],
): unknown {
  if (isObject(value)) return mergeObject(type, target, value);
  if (!Array.isArray(value)) return value;
  const items = type?.kind === "list" ? type.items : undefined;
  const original = Array.isArray(target) ? target : [];
  if (!strategy?.merge) return value.map((item) => (isObject(item) ? mergeObject(items, {}, item) : item));
  const { mergeKey } = strategy;
  const merged = mergeKey === undefined ? union(original, value) : mergeItems(items, original, value, mergeKey);
  return order === undefined ? merged : inOrder(merged, order, original, mergeKey);
}

function mergeItems(
  type: FieldType | undefined,
  original: readonly unknown[],
  patch: unknown[],
  key: string,
): unknown[] {
  const items = patch.map((item) => {
    if (!isObject(item)) throw new BadPatch("expected all items of a merged list to be objects");
    return item;
  });
  const isReplacement = items.some((item) => item.$patch === "replace" && Object.keys(item).length === 1);
  let merged: unknown[] = isReplacement ? [] : [...original];
  for (const item of items) {
    if (item.$patch === "replace" && Object.keys(item).length === 1) continue;
    const id = item[key];
    if (id === undefined)
      throw new BadPatch(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const hasId = (other: unknown) => isObject(other) && equalJson(other[key], id);
    if (item.$patch === "delete") {
      merged = merged.filter((other) => !hasId(other));
      continue;
    }
    const at = merged.findIndex(hasId);
    if (at < 0) merged.push(mergeObject(type, {}, item));
    else merged[at] = mergeObject(type, merged[at], item);
  }
  return merged;
}

/**
 * Items named in `order` in that order; the others keep their places relative to each other, and stay before a named item they
 * stood before in `original`.
 */
function inOrder(
  items: readonly unknown[],
  order: readonly unknown[],
  original: readonly unknown[],
  key?: string,
): unknown[] {
  const idOf = (item: unknown) => (key !== undefined && isObject(item) ? item[key] : item);
  const place = (list: readonly unknown[], item: unknown) =>
    list.findIndex((other) => equalJson(idOf(other), idOf(item)));
  const isNamed = (item: unknown) => place(order, item) >= 0;
  const named = items.filter(isNamed).sort((a, b) => place(order, a) - place(order, b));
  const others = items.filter((item) => !isNamed(item));
  const result: unknown[] = [];
  for (const item of named) {
    const before = place(original, item);
    while (others.length > 0 && before >= 0) {
      const at = place(original, others[0]);
      if (at < 0 || at > before) break;
      result.push(others.shift());
    }
    result.push(item);
  }
  return [...result, ...others];
}

function union(original: readonly unknown[], added: readonly unknown[]): unknown[] {
  return [...original, ...without(added, original)];
}

function without(list: readonly unknown[], removed: readonly unknown[]): unknown[] {
  return list.filter((item) => !removed.some((other) => equalJson(item, other)));
}

function pick(object: Json, keys: unknown): Json {
  const kept = asList(keys, "$retainKeys");
  return Object.fromEntries(Object.entries(object).filter(([key]) => kept.includes(key)));
}

function asList(value: unknown, key: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadPatch(`${key} must be a list`);
  return value;
}
