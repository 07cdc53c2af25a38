import { type KubeObject, StatusError } from "../../api/mod.ts";
import { loopback } from "../auth/user.ts";
import type { WriteContext } from "../registry/hooks.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";

/** What the server writes of its own accord. */
export const loopbackContext: WriteContext = { user: loopback, dryRun: false, warn: () => undefined };

/** Whether it was created: false when it was there. */
export async function createIfAbsent(served: Served, writer: Writer, object: KubeObject): Promise<boolean> {
  const { namespace = "", name } = object.metadata;
  await served.cache.start();
  if (served.cache.get(served.key(namespace, name)) !== undefined) return false;
  try {
    await writer.create(served, object, loopbackContext);
    return true;
  } catch (error) {
    // Another API server of the same store was faster.
    if (error instanceof StatusError && error.status.reason === "AlreadyExists") return false;
    throw error;
  }
}

/** Created, or made to say what `wanted` says beside its metadata. */
export async function put(served: Served, writer: Writer, wanted: KubeObject): Promise<void> {
  if (await createIfAbsent(served, writer, structuredClone(wanted))) return;
  const { namespace = "", name } = wanted.metadata;
  const produce = (current: KubeObject) => ({
    ...structuredClone(current),
    ...wanted,
    metadata: structuredClone(current.metadata),
  });
  await writer.update(served, namespace, name, produce, loopbackContext);
}
