import type { KubeObject, Resource, Status } from "../../api/mod.ts";
import { apiVersionOf, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Call } from "../http/call.ts";
import { acceptedTypes, type Encoding, type Form, negotiate } from "../http/negotiate.ts";
import { json, type Reply } from "../http/reply.ts";
import { JsonWatchEncoder, ShapedWatchEncoder } from "../http/watch-encoder.ts";
import type { Served } from "../registry/served.ts";
import type { WatchEncoder } from "../registry/watch.ts";
import { encodeObject } from "../storage/codec.ts";
import { partialMetadata, partialMetadataList } from "./partial-metadata.ts";
import { tableOf } from "./table.ts";

export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

function formOf(call: Call): { readonly form: Form; readonly encoding: Encoding } {
  const chosen = negotiate(call.headers.accept, call.query.get("includeObject"));
  return chosen ?? fail(status.notAcceptable(acceptedTypes));
}

/** One object, in the form its client asked for. */
export async function encodeOne(call: Call, code: number, resource: Resource, object: KubeObject): Promise<Reply> {
  const { form, encoding } = formOf(call);
  switch (form.as) {
    case "object":
      if (encoding === "yaml") return yaml(code, object);
      return { kind: "body", code, contentType: "application/json", body: encodeObject(object) };
    case "Table": {
      const metadata = { resourceVersion: object.metadata.resourceVersion ?? "" };
      return encoded(code, encoding, tableOf(resource, [object], metadata, form));
    }
    case "PartialObjectMetadata":
      return encoded(code, encoding, partialMetadata(object));
  }
}

export async function encodeList(
  call: Call,
  resource: Resource,
  metadata: ListMetadata,
  items: readonly KubeObject[],
): Promise<Reply> {
  const { form, encoding } = formOf(call);
  switch (form.as) {
    case "object": {
      const head = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata };
      if (encoding === "yaml") return yaml(200, { ...head, items });
      return { kind: "body", code: 200, contentType: "application/json", body: joinList(head, items) };
    }
    case "Table":
      return encoded(200, encoding, tableOf(resource, items, metadata, form));
    case "PartialObjectMetadata":
      return encoded(200, encoding, partialMetadataList(items, metadata));
  }
}

/** An answer that is no object of the resource, such as a Status or a review. */
export async function encodeStatus(call: Call, answer: Status | object, code = 200): Promise<Reply> {
  const { encoding } = formOf(call);
  return encoded(code, encoding, answer);
}

export function encoderFor(call: Call, served: Served): WatchEncoder {
  const { form, encoding } = formOf(call);
  if (encoding !== "json") fail(status.notAcceptable(["application/json"]));
  const { resource } = served;
  const target = {
    apiVersion: served.apiVersion,
    kind: resource.kind,
    present: (stored: KubeObject) => served.present(stored),
  };
  switch (form.as) {
    case "object":
      return new JsonWatchEncoder(target);
    case "Table":
      return new ShapedWatchEncoder(target, (object, first) => {
        const metadata = { resourceVersion: object.metadata.resourceVersion ?? "" };
        const table = tableOf(resource, object.metadata.name ? [object] : [], metadata, form);
        return first ? table : { ...table, columnDefinitions: null };
      });
    case "PartialObjectMetadata":
      return new ShapedWatchEncoder(target, (object) => partialMetadata(object));
  }
}

async function encoded(code: number, encoding: Encoding, value: object): Promise<Reply> {
  return encoding === "yaml" ? yaml(code, value) : json(code, value);
}

async function yaml(code: number, value: object): Promise<Reply> {
  const { stringify } = await import("yaml");
  return {
    kind: "body",
    code,
    contentType: "application/yaml",
    body: stringify(value, { aliasDuplicateObjects: false }),
  };
}

/** Lists are put together from the bytes of their objects, which are made once and kept. */
function joinList(head: object, items: readonly KubeObject[]): Buffer {
  const comma = Buffer.from(",");
  const parts: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  for (const [index, item] of items.entries()) {
    if (index > 0) parts.push(comma);
    parts.push(encodeObject(item));
  }
  parts.push(Buffer.from("]}"));
  return Buffer.concat(parts);
}
