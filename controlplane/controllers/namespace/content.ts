import { type Client, isNotFound, type KubernetesObject } from "../../client/mod.ts";
import { discover, type ServedResource } from "../common/discovery.ts";
import type { Deletion } from "./conditions.ts";

/** Deletes all that is in the namespace, as far as that is possible now, and says what is left. Failures of one kind do not stop others. */
export async function deleteContent(client: Client, namespace: string, signal: AbortSignal): Promise<Deletion> {
  const { resources, failures } = await discover(client, signal);
  const contentFailures: string[] = [];
  const remaining = new Map<string, number>();
  const finalizers = new Map<string, number>();
  const deletable = resources.filter((it) => it.namespaced && it.verbs.includes("delete") && it.verbs.includes("list"));
  // Pods first: while they run they may use everything else. Events last: what is done before leaves new ones.
  const rank = ({ plural }: ServedResource) => (plural === "pods" ? 0 : plural === "events" ? 2 : 1);
  for (const resource of [...deletable].sort((a, b) => rank(a) - rank(b))) {
    try {
      const left = await deleteAll(client, resource, namespace, signal);
      if (left.length > 0) remaining.set(`${resource.plural}.${resource.group}`, left.length);
      for (const finalizer of left.flatMap(({ metadata }) => metadata.finalizers ?? [])) {
        finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      contentFailures.push(`${resource.plural}.${resource.group}: ${(error as Error).message}`);
    }
  }
  return { discoveryFailures: failures, contentFailures, remaining, finalizers };
}

async function deleteAll(
  client: Client,
  resource: ServedResource,
  namespace: string,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const kind = client.metadata(resource);
  const before = (await kind.listAll({ namespace, signal })).items;
  if (before.length === 0) return [];
  // What is already on its way out needs no second push.
  if (before.every(({ metadata }) => metadata.deletionTimestamp !== undefined)) return before;
  const propagationPolicy = "Background" as const;
  if (resource.verbs.includes("deletecollection")) {
    await kind.deleteCollection({ namespace, signal }, { propagationPolicy });
  } else {
    for (const { metadata } of before) {
      await kind.delete(namespace, metadata.name, { propagationPolicy, signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }
  return (await kind.listAll({ namespace, signal })).items;
}
