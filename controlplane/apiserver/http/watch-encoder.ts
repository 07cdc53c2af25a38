import type { FailureStatus, KubeObject } from "../../api/mod.ts";
import type { WatchEncoder, WatchType } from "../registry/watch.ts";
import { encodeObject } from "../storage/codec.ts";

const memo = {
  ADDED: new WeakMap<KubeObject, Uint8Array>(),
  MODIFIED: new WeakMap<KubeObject, Uint8Array>(),
  DELETED: new WeakMap<KubeObject, Uint8Array>(),
};

const end = Buffer.from("}\n");

/** One line of a watch: the frame is made once per object and type, and shared by all streams that send it. */
export function frame(type: keyof typeof memo, object: KubeObject): Uint8Array {
  let bytes = memo[type].get(object);
  if (bytes === undefined) {
    bytes = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), encodeObject(object), end]);
    memo[type].set(object, bytes);
  }
  return bytes;
}

export function line(type: WatchType, object: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}

export interface WatchTarget {
  readonly apiVersion: string;
  readonly kind: string;
  present(stored: KubeObject): KubeObject;
}

/** Watches of whole objects as JSON. */
export class JsonWatchEncoder implements WatchEncoder {
  readonly #target: WatchTarget;

  constructor(target: WatchTarget) {
    this.#target = target;
  }

  object(type: "ADDED" | "MODIFIED" | "DELETED", stored: KubeObject): Uint8Array {
    return frame(type, this.#target.present(stored));
  }

  bookmark(revision: number, initialEventsEnd: boolean): Uint8Array {
    return line("BOOKMARK", bookmarkOf(this.#target, revision, initialEventsEnd));
  }

  failure(status: FailureStatus): Uint8Array {
    return line("ERROR", status);
  }
}

/** Watches of objects in another shape, made for each stream: tables show ages, which differ from moment to moment. */
export class ShapedWatchEncoder implements WatchEncoder {
  readonly #target: WatchTarget;
  readonly #shape: (object: KubeObject, first: boolean) => unknown;
  #first = true;

  constructor(target: WatchTarget, shape: (object: KubeObject, first: boolean) => unknown) {
    this.#target = target;
    this.#shape = shape;
  }

  object(type: "ADDED" | "MODIFIED" | "DELETED", stored: KubeObject): Uint8Array {
    return line(type, this.#next(this.#target.present(stored)));
  }

  bookmark(revision: number, initialEventsEnd: boolean): Uint8Array {
    return line("BOOKMARK", this.#next(bookmarkOf(this.#target, revision, initialEventsEnd)));
  }

  failure(status: FailureStatus): Uint8Array {
    return line("ERROR", status);
  }

  #next(object: KubeObject): unknown {
    const first = this.#first;
    this.#first = false;
    return this.#shape(object, first);
  }
}

function bookmarkOf({ apiVersion, kind }: WatchTarget, revision: number, initialEventsEnd: boolean): KubeObject {
  const annotations = initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {};
  // A bookmark has no name: only the version to resume from.
  const metadata = { resourceVersion: String(revision), ...annotations } as KubeObject["metadata"];
  return { kind, apiVersion, metadata };
}
