import { type KubeObject, StatusError } from "../../api/mod.ts";
import { loopback } from "../auth/user.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import type { Served } from "../registry/served.ts";
import type { AdmissionPlugin } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

/** A reader of objects that are given by plural. */
export function readerWith(objects: Readonly<Record<string, readonly object[]>>): ObjectReader {
  const all = (plural: string, namespace: string) =>
    ((objects[plural] ?? []) as KubeObject[]).filter(
      ({ metadata }) => namespace === "" || metadata.namespace === undefined || metadata.namespace === namespace,
    );
  return {
    get: async (plural, namespace, name) =>
      all(plural, namespace).find(({ metadata }) => metadata.name === name) as never,
    list: async (plural, namespace) => all(plural, namespace) as never,
  };
}

/** A write of objects of `resource` ("pods", "ingresses.networking.k8s.io"); warnings end up in `warnings`. */
export function requestFor(
  resource: string,
  object: object | undefined,
  more: Partial<AdmissionRequest> = {},
): AdmissionRequest & { readonly warnings: string[] } {
  const [plural = "", ...group] = resource.split(".");
  const names = { group: group.join("."), resource: plural };
  const { metadata } = (object ?? more.old) as KubeObject;
  const warnings: string[] = [];
  return {
    operation: "CREATE",
    served: { names, resource: { namespaced: metadata.namespace !== undefined } } as unknown as Served,
    subresource: "",
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    ...(object && { object: object as KubeObject }),
    user: loopback,
    dryRun: false,
    warn: (text) => void warnings.push(text),
    warnings,
    ...more,
  };
}

/** Runs both phases of a plugin: the refusal's message, or undefined. */
export async function refusalOf(plugin: AdmissionPlugin, request: AdmissionRequest): Promise<string | undefined> {
  try {
    await plugin.admit?.(request);
    await plugin.validate?.(request);
    return undefined;
  } catch (error) {
    if (error instanceof StatusError) return error.status.message;
    throw error;
  }
}
