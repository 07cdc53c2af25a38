import { fromUtf8, toUtf8 } from "../../../base/mod.ts";
import type { KubeObject } from "../../api/mod.ts";
import type { Stored } from "./store.ts";

/** The same object under another revision. Objects in the cache are shared, so they are copied, never changed. */
export function withResourceVersion(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** Stored JSON has no resourceVersion: the store's revision is the resourceVersion. */
export function decodeStored({ value, modRevision }: Stored): KubeObject {
  const object = JSON.parse(fromUtf8(value)) as KubeObject;
  object.metadata.resourceVersion = String(modRevision);
  return object;
}

export function encodeForStore(object: KubeObject): Uint8Array {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return toUtf8(JSON.stringify({ ...object, metadata }));
}

const encoded = new WeakMap<KubeObject, Buffer>();

/** The object as JSON. Made once for all who are sent it: lists and watches share these bytes. */
export function encodeObject(object: KubeObject): Buffer {
  let bytes = encoded.get(object);
  if (bytes === undefined) {
    bytes = Buffer.from(JSON.stringify(object));
    encoded.set(object, bytes);
  }
  return bytes;
}
