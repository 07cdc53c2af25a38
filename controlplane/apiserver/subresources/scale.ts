import {
  formatSelector,
  fromLabelSelector,
  type KubeObject,
  type LabelSelector,
  type Labels,
  Scale,
  status,
} from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { decodeBody } from "../handlers/decode-body.ts";
import { encodeStatus } from "../handlers/encode.ts";
import { patchValue } from "../handlers/patch.ts";
import { read } from "../handlers/read.ts";
import type { SubresourceHandlers } from "../handlers/resources.ts";
import { contextOf } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";

/** Kinds with replicas and a selector, which in a ReplicationController is a mere map of labels. */
interface Scalable extends KubeObject {
  spec: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
}

const expected = { schema: Scale, gvk: Scale.gvk };

/** The number of replicas of any workload, as an object of its own kind. */
export function scaleHandlers(writer: Writer): SubresourceHandlers {
  const write = async (served: Served, call: Call, next: (scale: Scale) => Scale | Promise<Scale>): Promise<Reply> => {
    const { namespace, name } = call.info;
    const produce = async (current: KubeObject) =>
      withScale(current as Scalable, await next(scaleOf(current as Scalable)));
    const changed = await writer.update(served, namespace, name, produce, contextOf(call));
    return encodeStatus(call, scaleOf(changed.object as Scalable));
  };
  return {
    get: async (served, call) => {
      const { namespace, name } = call.info;
      return encodeStatus(call, scaleOf((await read(served, namespace, name)) as Scalable));
    },
    update: async (served, call) => {
      const scale = (await decodeBody(call, expected)) as unknown as Scale;
      return write(served, call, () => scale);
    },
    patch: async (served, call) => {
      const body = await call.body();
      return write(served, call, async (scale) => (await patchValue(call, body, scale, expected)) as unknown as Scale);
    },
  };
}

function scaleOf({ kind, metadata, spec, status: seen }: Scalable): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const asked = kind === "ReplicationController" ? { matchLabels: spec.selector as Labels } : spec.selector;
  const selector = fromLabelSelector(asked as LabelSelector | undefined);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { ...(spec.replicas && { replicas: spec.replicas }) },
    status: { replicas: seen?.replicas ?? 0, ...(selector.ok && { selector: formatSelector(selector.selector) }) },
  };
}

function withScale(current: Scalable, { metadata, spec }: Scale): KubeObject {
  const replicas = spec.replicas ?? 0;
  if (replicas < 0) {
    const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
    fail(
      status.invalid(Scale.gvk, current.metadata.name, [
        { type: "FieldValueInvalid", field: "spec.replicas", message },
      ]),
    );
  }
  const next = structuredClone(current);
  // Like any update, one of the scale may insist on the version it was made for.
  if (metadata.resourceVersion) next.metadata.resourceVersion = metadata.resourceVersion;
  else delete next.metadata.resourceVersion;
  next.spec.replicas = replicas;
  return next;
}
