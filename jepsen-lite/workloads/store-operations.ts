import { pause } from "../../base/mod.ts";
import { noEnd, type WatchListener } from "../../kvstore/client/mod.ts";
import {
  CompareResult,
  CompareTarget,
  type Event,
  EventType,
  type Init,
  type KeyValue,
  type RequestOp,
  type ResponseOp,
} from "../../proto/mod.ts";
import type { Json } from "../history/mod.ts";
import { bytes, performRead, performWrite, text } from "./perform.ts";
import type { WorkloadClient, WorkloadContext } from "./workload.ts";

/** Keys from `key` up to, without, `end`; one key without. Of all keys both are "\0", as checkers read it. */
export interface Keys {
  readonly key: string;
  readonly end?: string;
}

export const allKeys: Keys = { key: "\0", end: "\0" };

export type Pair = {
  readonly key: string;
  readonly value: string;
  readonly mod: number;
  readonly create: number;
  readonly version: number;
  readonly lease?: string;
};

export interface RangeAsked extends Keys {
  /** Of the past. */
  readonly revision?: number;
  readonly limit?: number;
  /** Whatever the member that is asked has. */
  readonly serializable?: boolean;
}

/** One request of a transaction. */
export type Request =
  | { readonly f: "put"; readonly key: string; readonly value: string; readonly lease?: string }
  | { readonly f: "delete"; readonly key: string }
  | { readonly f: "range"; readonly key: string };

/** `mod`: of a key that is not there 0. */
export type Compare = {
  readonly key: string;
  readonly target: "mod" | "create";
  readonly result: "=" | "<";
  readonly value: number;
};

export interface Transacted {
  readonly revision: number;
  readonly succeeded: boolean;
  readonly found: readonly Pair[];
}

export interface WatchAsked extends Keys {
  /** 0: from now on. */
  readonly startRevision: number;
  readonly prevKv?: boolean;
  /** What not to tell of. */
  readonly filters?: readonly ("put" | "delete")[];
}

export type WatchedEvent = { readonly prev: Pair | null } & (
  | ({ readonly type: "put" } & Pair)
  | { readonly type: "delete"; readonly key: string; readonly mod: number }
);

/** What a watch brought. */
export interface Watched {
  readonly events: readonly WatchedEvent[];
  /** All up to here was told. */
  readonly revision: number;
  /** It ended because its past is gone. */
  readonly isCompacted: boolean;
  /** First revision that there still is, if it is. */
  readonly compactRevision: number;
}

export interface WatchManner {
  readonly longestMs: number;
  /** It is over once all up to this revision was told. */
  readonly until?: number;
  /** It asks how far it is, again and again. */
  readonly asksProgress?: boolean;
}

/** The store's operations, recorded as checkers of whole stores read them (jepsen-lite/checkers/README.md). */
export class StoreOperations {
  /** Newest revision that anybody was told of. */
  newest = 1;
  readonly #context: WorkloadContext;

  constructor(context: WorkloadContext) {
    this.#context = context;
  }

  put(client: WorkloadClient, key: string, value: string, lease?: bigint) {
    const asked = { key, value, ...(lease === undefined ? {} : { lease: String(lease) }) };
    return performWrite(this.#context, client, "put", asked, async () => {
      const request = { key: bytes(key), value: bytes(value), prevKv: true, ...(lease === undefined ? {} : { lease }) };
      const { header, prevKv } = await client.etcd.kv.put(request);
      return { revision: this.#saw(header), prev: prevKv === undefined ? null : pairOf(prevKv) };
    });
  }

  delete(client: WorkloadClient, key: string) {
    return performWrite(this.#context, client, "delete", { key }, async () => {
      const { header, deleted } = await client.etcd.kv.deleteRange({ key: bytes(key) });
      return { revision: this.#saw(header), deleted };
    });
  }

  range(client: WorkloadClient, asked: RangeAsked) {
    return performRead(this.#context, client, "range", { ...asked }, async () => {
      const { key: _, end: __, ...rest } = asked;
      const { header, kvs, more, count } = await client.etcd.kv.range({ ...keysOf(asked), ...rest });
      return { revision: this.#saw(header), kvs: kvs.map(pairOf), more, count };
    });
  }

  /** Compares, and carries out one of two lists of requests, all at once. `found` is what its reads got. */
  async transact(
    client: WorkloadClient,
    compare: readonly Compare[],
    success: readonly Request[],
    failure: readonly Request[],
  ): Promise<Transacted | undefined> {
    const done = await performWrite(this.#context, client, "kv-txn", { compare, success, failure }, async () => {
      const { header, succeeded, responses } = await client.etcd.kv.txn({
        compare: compare.map(compareOf),
        success: success.map(requestOf),
        failure: failure.map(requestOf),
      });
      return { revision: this.#saw(header), succeeded, responses: responses.map(responseOf) };
    });
    if (done === undefined) return undefined;
    const { revision, succeeded, responses } = done;
    return { revision, succeeded, found: responses.flatMap(({ kvs = [] }) => kvs) };
  }

  compact(client: WorkloadClient, revision: number, physical: boolean) {
    return performWrite(this.#context, client, "compact", { revision }, async () => {
      const { header } = await client.etcd.kv.compact({ revision, physical });
      return { revision: this.#saw(header) };
    });
  }

  /** Watches for a while, over as many streams as it takes: one operation, with all that came. */
  async watch(
    client: WorkloadClient,
    asked: WatchAsked,
    { longestMs, until = Number.POSITIVE_INFINITY, asksProgress = false }: WatchManner,
  ): Promise<Watched> {
    const { clock, chance, etcd } = client;
    const { prevKv = false, filters = [], startRevision } = asked;
    const responses: Json[] = [];
    const events: WatchedEvent[] = [];
    let revision = Math.max(0, startRevision - 1);
    let compactRevision = 0;
    let isEnded = false;
    const listener: WatchListener = {
      onCreated: (current) => {
        // Later ones are those of streams that took the first one's place: nothing begins anew with them.
        if (responses.length > 0) return;
        responses.push({ revision: current, created: true });
        if (startRevision === 0) revision = current;
      },
      onEvents: (batch, current) => {
        const told = batch.map(eventOf);
        responses.push({ revision: this.#saw({ revision: current }), events: told });
        events.push(...told);
        revision = told.at(-1)?.mod ?? revision;
      },
      onProgress: (current) => {
        responses.push({ revision: current, progress: true });
        revision = Math.max(revision, current);
      },
      onEnd: (end) => {
        isEnded = true;
        if (end.kind !== "compacted") return;
        compactRevision = end.compactRevision;
        responses.push({ revision: end.compactRevision, canceled: true });
      },
    };
    await performRead(this.#context, client, "watch", { ...asked }, async () => {
      const unwanted = { noPut: filters.includes("put"), noDelete: filters.includes("delete") };
      const progressNotify = chance.percent(50);
      const request = { ...keysOf(asked), startRevision, prevKv, progressNotify, ...unwanted };
      const watcher = etcd.watch.open(request, listener);
      const endMs = clock.monotonic() + longestMs;
      while (!isEnded && clock.monotonic() < endMs && revision < until) {
        await pause(clock, 100);
        if (asksProgress) etcd.watch.requestProgress();
      }
      watcher.close();
      return { responses };
    });
    return { events, revision, isCompacted: compactRevision > 0, compactRevision };
  }

  /** What each member has, where it can be asked: for the end of a run. Who is a little behind is waited for. */
  async dump(client: WorkloadClient): Promise<void> {
    const endMs = client.clock.monotonic() + 5000;
    const until = this.newest;
    let dumps = await this.#context.dump();
    while (dumps.some(({ revision }) => revision < until) && client.clock.monotonic() < endMs) {
      await pause(client.clock, 100);
      dumps = await this.#context.dump();
    }
    for (const { name, revision, kvs } of dumps) {
      await performRead(this.#context, client, "dump", { member: name }, async () => {
        return { member: name, revision, kvs: kvs.map(pairOf) };
      });
    }
  }

  #saw(header: { readonly revision: number } | undefined): number {
    this.newest = Math.max(this.newest, header?.revision ?? 0);
    return header?.revision ?? 0;
  }
}

/** As requests name them. */
export function keysOf({ key, end }: Keys): { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array } {
  if (end === undefined) return { key: bytes(key) };
  return { key: bytes(key), rangeEnd: end === "\0" ? noEnd : bytes(end) };
}

/** All keys that begin with `prefix`, which ends in a character that has a successor. */
export function prefixed(prefix: string): Keys {
  const last = prefix.charCodeAt(prefix.length - 1);
  return { key: prefix, end: prefix.slice(0, -1) + String.fromCharCode(last + 1) };
}

export function pairOf({ key, value, modRevision, createRevision, version, lease }: KeyValue): Pair {
  const pair = { key: text(key), value: text(value), mod: modRevision, create: createRevision, version };
  return lease === 0n ? pair : { ...pair, lease: String(lease) };
}

function eventOf({ type, kv, prevKv }: Event): WatchedEvent {
  const prev = prevKv === undefined ? null : pairOf(prevKv);
  if (type === EventType.DELETE) return { type: "delete", key: text(kv!.key), mod: kv!.modRevision, prev };
  return { type: "put", ...pairOf(kv!), prev };
}

const results = { "=": CompareResult.EQUAL, "<": CompareResult.LESS } as const;

function compareOf({ key, target, result, value }: Compare) {
  const compared = { key: bytes(key), result: results[result] };
  return target === "mod"
    ? { ...compared, target: CompareTarget.MOD, modRevision: value }
    : { ...compared, target: CompareTarget.CREATE, createRevision: value };
}

function requestOf(request: Request): Init<RequestOp> {
  const key = bytes(request.key);
  if (request.f === "range") return { requestRange: { key } };
  if (request.f === "delete") return { requestDeleteRange: { key } };
  return {
    requestPut: {
      key,
      value: bytes(request.value),
      ...(request.lease === undefined ? {} : { lease: BigInt(request.lease) }),
    },
  };
}

type Response = { readonly kvs?: readonly Pair[]; readonly deleted?: number };

function responseOf({ responseRange, responseDeleteRange }: ResponseOp): Response {
  if (responseRange !== undefined) return { kvs: responseRange.kvs.map(pairOf) };
  return responseDeleteRange === undefined ? {} : { deleted: responseDeleteRange.deleted };
}
