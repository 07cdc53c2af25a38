import {
  applyDefaults,
  prepareForCreate,
  prepareForUpdate,
  validateCreate,
  validateUpdate,
} from "../lifecycle/lifecycle.ts";
import { applyMergePatch } from "../patch/merge-patch.ts";
import type { KubeObject } from "../resources/resource.ts";
import { findKind } from "../resources/served.ts";
import { decode } from "../schema/decode.ts";

/** What the API server would answer to POST: `path: message` for each error. */
export function judge(apiVersion: string, kind: string, value: object): string[] {
  return validateCreate(resourceOf(apiVersion, kind), made(apiVersion, kind, value)).map(told);
}

export function judgeChange(apiVersion: string, kind: string, value: object, patch: object): string[] {
  const old = made(apiVersion, kind, value);
  const next = received(apiVersion, kind, applyMergePatch(structuredClone(old), patch) as object);
  prepareForUpdate(resourceOf(apiVersion, kind), next, old);
  return validateUpdate(resourceOf(apiVersion, kind), next, old).map(told);
}

const told = ({ field, message }: { field: string; message: string }) => `${field}: ${message}`;

function resourceOf(apiVersion: string, kind: string) {
  const [version, group] = apiVersion.split("/").reverse() as [string, string?];
  return findKind(group ?? "", version, kind)!;
}

function received(apiVersion: string, kind: string, value: object): KubeObject {
  const result = decode(resourceOf(apiVersion, kind).schema, value);
  if (!result.ok) throw new Error(result.message);
  const object = result.object as unknown as KubeObject;
  applyDefaults(resourceOf(apiVersion, kind), object);
  return object;
}

export function made(apiVersion: string, kind: string, value: object): KubeObject {
  const named = applyMergePatch({ metadata: { name: "x" } }, value) as object;
  const object = received(apiVersion, kind, named);
  if (resourceOf(apiVersion, kind).namespaced) object.metadata.namespace ??= "demo";
  prepareForCreate(resourceOf(apiVersion, kind), object, { uid: "u", now: "2026-11-23T06:00:00Z" });
  return object;
}
