import { assert, type Clock, equalBytes, fromUtf8, type Log, pause, toUtf8 } from "../../../base/mod.ts";
import { type EtcdClient, EtcdError, prefixEnd } from "../../../kvstore/client/mod.ts";
import {
  CompareResult,
  CompareTarget,
  EventType,
  type Init,
  type KeyValue,
  type RequestOp,
  type ResponseHeader,
  Status,
  type TxnResponse,
} from "../../../proto/mod.ts";
import {
  type CompactionClaim,
  type RangeOptions,
  type RangeResult,
  type Store,
  type Stored,
  StoreError,
  type StoreWatch,
  type WatchSink,
  type WriteResult,
} from "./store.ts";

const COMPACT_KEY = toUtf8("compact_rev_key");
/** How long a write is tried again while no member answers: longer than an election takes. */
const WRITE_PATIENCE_MS = 15_000;
const CALL_TIMEOUT_MS = 5_000;
const RETRY_PAUSE_MS = 100;

/** The store as a stranger sees it: an etcd client, and the transactions that Kubernetes makes of it. */
export class EtcdStore implements Store {
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #log: Log;
  #progress: Promise<boolean> | undefined;
  #trustsProgress = false;

  constructor(client: EtcdClient, clock: Clock, log: Log) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
  }

  async get(key: string): Promise<Stored | undefined> {
    const { kvs } = await this.#read({ key: toUtf8(key) });
    return kvs[0] && storedOf(kvs[0]);
  }

  async range(prefix: string, { from = prefix, limit = 0, revision = 0 }: RangeOptions = {}): Promise<RangeResult> {
    try {
      const answer = await this.#read({ key: toUtf8(from), rangeEnd: prefixEnd(prefix), limit, revision });
      return { ok: true, items: answer.kvs.map(storedOf), revision: revisionOf(answer.header), count: answer.count };
    } catch (error) {
      if (error instanceof EtcdError && error.etcdCode === "Compacted") return { ok: false, error: "Compacted" };
      if (error instanceof EtcdError && error.etcdCode === "FutureRev") return { ok: false, error: "FutureRevision" };
      throw error;
    }
  }

  async revision(): Promise<number> {
    // The header is all that is wanted: a key that is certainly absent keeps the answer small.
    return revisionOf((await this.#read({ key: toUtf8("/registry/\0") })).header);
  }

  put(key: string, value: Uint8Array, expected: number, lease = 0n): Promise<WriteResult> {
    const success = [{ requestPut: { key: toUtf8(key), value, lease } }];
    return this.#write(key, expected, success, (current) => current !== undefined && equalBytes(current.value, value));
  }

  delete(key: string, expected: number): Promise<WriteResult> {
    const success = [{ requestDeleteRange: { key: toUtf8(key) } }];
    return this.#write(key, expected, success, (current) => current === undefined);
  }

  /**
   * When an answer is lost, whether the write happened is unknown, so it is simply sent again: the comparison lets it
   * happen once at most, and what stands under the key then tells whether the lost one was it (`isOurs`).
   */
  async #write(
    key: string,
    expected: number,
    success: readonly Init<RequestOp>[],
    isOurs: (current: Stored | undefined) => boolean,
  ): Promise<WriteResult> {
    const compare = [
      { result: CompareResult.EQUAL, target: CompareTarget.MOD, key: toUtf8(key), modRevision: expected },
    ];
    const failure = [{ requestRange: { key: toUtf8(key) } }];
    const giveUpAt = this.#clock.monotonic() + WRITE_PATIENCE_MS;
    let unsure = false;
    for (;;) {
      let answer: TxnResponse;
      try {
        answer = await this.#client.kv.txn({ compare, success, failure }, { timeoutMs: CALL_TIMEOUT_MS });
      } catch (error) {
        if (!isTransient(error) || this.#clock.monotonic() > giveUpAt) throw storeError(error);
        unsure ||= !(error instanceof EtcdError) || error.maybeApplied;
        await pause(this.#clock, RETRY_PAUSE_MS);
        continue;
      }
      const revision = revisionOf(answer.header);
      if (answer.succeeded) return { ok: true, revision };
      const kv = answer.responses[0]?.responseRange?.kvs[0];
      const current = kv && storedOf(kv);
      if (unsure && isOurs(current)) return { ok: true, revision: current?.modRevision ?? revision };
      return { ok: false, current };
    }
  }

  watch(prefix: string, from: number, sink: WatchSink): StoreWatch {
    const request = {
      key: toUtf8(prefix),
      rangeEnd: prefixEnd(prefix),
      startRevision: from,
      prevKv: false,
      progressNotify: true,
    };
    const watcher = this.#client.watch.open(request, {
      onEvents: (events) =>
        sink.events(
          events.map(({ type, kv }) => {
            assert(kv !== undefined, "an event has a key");
            const value = type === EventType.PUT ? kv.value : undefined;
            return { key: fromUtf8(kv.key), value, modRevision: kv.modRevision };
          }),
        ),
      // Where progress may be reported ahead of events, what it says must not be believed.
      onProgress: (revision) => this.#trustsProgress && sink.progress(revision),
      onEnd: (end) => {
        if (end.kind === "failed") this.#log("error", "a watch ended", { prefix, error: end.error.message });
        sink.compacted();
      },
    });
    return { requestProgress: () => this.#client.watch.requestProgress(), close: () => watcher.close() };
  }

  async grantLease(ttlSeconds: number): Promise<bigint> {
    return this.#call(async () => (await this.#client.lease.grant(ttlSeconds, 0n, { timeoutMs: CALL_TIMEOUT_MS })).id);
  }

  async claimCompaction(version: number, revision: number): Promise<CompactionClaim> {
    const answer = await this.#call(() =>
      this.#client.kv.txn({
        compare: [{ result: CompareResult.EQUAL, target: CompareTarget.VERSION, key: COMPACT_KEY, version }],
        success: [{ requestPut: { key: COMPACT_KEY, value: toUtf8(String(revision)) } }],
        failure: [{ requestRange: { key: COMPACT_KEY } }],
      }),
    );
    const now = revisionOf(answer.header);
    if (answer.succeeded) return { won: true, revision: now };
    return { won: false, version: answer.responses[0]?.responseRange?.kvs[0]?.version ?? 0, revision: now };
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#client.kv.compact({ revision, physical: false });
    } catch (error) {
      // Somebody else was there first: what was wanted is so.
      if (!(error instanceof EtcdError && error.etcdCode === "Compacted")) throw storeError(error);
    }
  }

  supportsProgress(): Promise<boolean> {
    this.#progress ??= this.#askVersion().then((reliable) => {
      this.#trustsProgress = reliable;
      return reliable;
    });
    this.#progress.catch(() => {
      this.#progress = undefined; // asked again by whoever needs to know next
    });
    return this.#progress;
  }

  async #askVersion(): Promise<boolean> {
    const { version } = await this.#call(() => this.#client.maintenance.status({ timeoutMs: CALL_TIMEOUT_MS }));
    return progressIsReliable(version);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #read(request: Parameters<EtcdClient["kv"]["range"]>[0]) {
    return this.#call(() => this.#client.kv.range(request, { timeoutMs: CALL_TIMEOUT_MS }));
  }

  /** Tries once more on a failure that passes, such as an election: reads and grants may be repeated freely. */
  async #call<T>(attempt: () => Promise<T>): Promise<T> {
    const giveUpAt = this.#clock.monotonic() + WRITE_PATIENCE_MS;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const expected =
          error instanceof EtcdError && (error.etcdCode === "Compacted" || error.etcdCode === "FutureRev");
        if (expected) throw error;
        if (!isTransient(error) || this.#clock.monotonic() > giveUpAt) throw storeError(error);
        await pause(this.#clock, RETRY_PAUSE_MS);
      }
    }
  }
}

/** Before these versions etcd could report progress ahead of the events before it (etcd-io/etcd #15220). */
export function progressIsReliable(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  if (major !== 3) return major > 3;
  if (minor === 4) return patch >= 31;
  return minor > 5 || (minor === 5 && patch >= 13);
}

function isTransient(error: unknown): boolean {
  return error instanceof EtcdError && (error.code === Status.Unavailable || error.code === Status.DeadlineExceeded);
}

function storeError(error: unknown): unknown {
  if (!(error instanceof EtcdError)) return error;
  const code = isTransient(error)
    ? "Unavailable"
    : error.etcdCode === "RequestTooLarge"
      ? "TooLarge"
      : error.etcdCode === "NoSpace"
        ? "NoSpace"
        : "Internal";
  return new StoreError(code, error.message, { cause: error });
}

function revisionOf(header: ResponseHeader | undefined): number {
  assert(header !== undefined, "every answer of the store has a header");
  return header.revision;
}

function storedOf({ key, value, modRevision }: KeyValue): Stored {
  return { key: fromUtf8(key), value, modRevision };
}
