import type { KubeObject, Namespace } from "../../api/mod.ts";
import { decodeObject } from "../handlers/decode-body.ts";
import { encodeOne } from "../handlers/encode.ts";
import { contextOf, settleName } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";

/** PUT namespaces/NAME/finalize: changes spec.finalizers and nothing else. Without any, a namespace on its way out goes. */
export async function finalize(namespaces: Served, call: Call, writer: Writer): Promise<Reply> {
  const given = (await decodeObject(call, namespaces.resource)) as Namespace & KubeObject;
  settleName(given, call.info.name);
  const produce = (current: KubeObject): KubeObject => {
    const next = structuredClone(current) as Namespace & KubeObject;
    const { uid, resourceVersion } = given.metadata;
    if (uid) next.metadata.uid = uid;
    if (resourceVersion) next.metadata.resourceVersion = resourceVersion;
    else delete next.metadata.resourceVersion;
    const finalizers = given.spec?.finalizers ?? [];
    next.spec = finalizers.length > 0 ? { finalizers } : {};
    return next;
  };
  const changed = await writer.update(namespaces, "", call.info.name, produce, contextOf(call), {
    prepare: () => undefined,
  });
  return encodeOne(call, 200, namespaces.resource, changed.object);
}
