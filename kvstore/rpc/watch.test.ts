import { expect, test } from "vitest";
import { seededRandom, toUtf8 } from "../../base/mod.ts";
import {
  DeleteRangeRequest,
  type Encoded,
  FilterType,
  type Init,
  type Method,
  PutRequest,
  Status,
  type WatchCreateRequest,
  WatchRequest,
  WatchResponse,
  WatchService,
} from "../../proto/mod.ts";
import { WatchHub } from "../mvcc/mod.ts";
import { TestState, type TestStateOptions } from "../mvcc/state.testing.ts";
import type { BidiCall, BidiHandler, Receiver } from "./grpc/mod.ts";
import { type WatchServer, type WatchServiceOptions, watchServer } from "./watch.ts";

/** A client's end of a call: what it got, and how much more it takes. */
class FakeCall implements BidiCall<WatchResponse> {
  readonly method: Method = WatchService.methods.watch as Method;
  readonly peer = { address: "test", encrypted: false, certificate: undefined };
  readonly timeoutMs = undefined;
  readonly received: WatchResponse[] = [];
  readonly #metadata: Readonly<Record<string, string>>;
  status: { readonly code: number; readonly message: string } | undefined;
  cancelled = false;
  bufferedBytes = 0;
  /** `write` returns false. */
  slow = false;
  onCancel: (() => void) | undefined;
  onDrain: (() => void) | undefined;

  constructor(metadata: Readonly<Record<string, string>> = {}) {
    this.#metadata = metadata;
  }

  metadata(key: string): string | undefined {
    return this.#metadata[key];
  }

  write(message: Init<WatchResponse>): boolean {
    this.received.push(WatchResponse.decode(WatchResponse.encode(message)));
    return !this.slow;
  }

  writePieces(pieces: readonly Uint8Array[]): boolean {
    return this.write(WatchResponse.decode(Buffer.concat(pieces)));
  }

  end(): void {
    this.status ??= { code: Status.OK, message: "" };
  }

  fail(code: Status, message: string): void {
    this.status ??= { code, message };
  }

  cancel(): void {
    this.cancelled = true;
    this.onCancel?.();
  }

  pause(): void {
    throw new Error("a watch reads all requests");
  }

  resume(): void {
    throw new Error("a watch reads all requests");
  }
}

class TestServer extends TestState {
  hub!: WatchHub;
  server!: WatchServer;
  leaderless: (() => void)[] = [];

  async start(options: Partial<WatchServiceOptions> = {}): Promise<this> {
    const { store } = await this.open();
    const onFailure = (error: unknown) => {
      throw error;
    };
    this.hub = new WatchHub({ store, clock: this.clock, onFailure });
    const random = seededRandom(1);
    this.server = watchServer({
      hub: this.hub,
      clock: this.clock,
      header: () => ({ clusterId: 1n, memberId: 2n, raftTerm: 3 }),
      maxFragmentBytes: 1000,
      progressIntervalMs: 100,
      jitter: () => random.below(100) / 100,
      hasLeader: () => true,
      onLeaderLost: (lost) => {
        this.leaderless.push(lost);
        return () => this.leaderless.splice(this.leaderless.indexOf(lost), 1);
      },
      ...options,
    });
    return this;
  }

  connect(metadata?: Readonly<Record<string, string>>): { call: FakeCall; stream: Receiver<WatchRequest> } {
    const call = new FakeCall(metadata);
    const handler = this.server.implementation.handlers.watch as BidiHandler<WatchRequest, WatchResponse>;
    return { call, stream: handler(call) };
  }

  put(key: string, value = "v"): void {
    this.state.applier.put(PutRequest.create({ key: toUtf8(key), value: toUtf8(value) }));
  }

  delete(key: string): void {
    this.state.applier.deleteRange(DeleteRangeRequest.create({ key: toUtf8(key) }));
  }
}

function started(options?: Partial<WatchServiceOptions>, stateOptions?: TestStateOptions): Promise<TestServer> {
  return new TestServer(stateOptions).start(options);
}

const all = { key: toUtf8("a"), rangeEnd: toUtf8("z") };

function create(request: Exclude<Init<WatchCreateRequest>, Encoded<WatchCreateRequest>> = {}): WatchRequest {
  return WatchRequest.create({ createRequest: { ...all, ...request } });
}

const progressRequest = WatchRequest.create({ progressRequest: {} });

function cancel(watchId: number): WatchRequest {
  return WatchRequest.create({ cancelRequest: { watchId } });
}

/** What a message says, without what it leaves at its default. */
function said({ header, events, ...rest }: WatchResponse): Record<string, unknown> {
  const set = Object.entries(rest).filter(
    ([name, value]) => name === "watchId" || (value !== false && value !== 0 && value !== ""),
  );
  const kvs = events.map(({ kv }) => `${Buffer.from(kv?.key ?? []).toString()}@${kv?.modRevision}`);
  return { ...Object.fromEntries(set), revision: header?.revision, ...(kvs.length > 0 ? { kvs } : {}) };
}

test("watches get the numbers 0, 1, 2 or the one they choose, and an answer before any event", async () => {
  const test = await started();
  const { call, stream } = test.connect();
  stream.message(create({ watchId: 1 }));
  stream.message(create());
  stream.message(create());
  test.put("b");
  await test.pass(1);
  expect(call.received.map(said)).toEqual([
    { watchId: 1, created: true, revision: 1 },
    { watchId: 0, created: true, revision: 1 },
    { watchId: 2, created: true, revision: 1 },
    { watchId: 1, revision: 2, kvs: ["b@2"] },
    { watchId: 0, revision: 2, kvs: ["b@2"] },
    { watchId: 2, revision: 2, kvs: ["b@2"] },
  ]);
  expect(call.received[0]?.header).toMatchObject({ clusterId: 1n, memberId: 2n, raftTerm: 3 });
});

test.each([
  { request: { watchId: 7 }, reason: "mvcc: duplicate watch ID provided on the WatchStream" },
  { request: { rangeEnd: toUtf8("a") }, reason: "mvcc: watcher range is empty" },
  { request: { startRevision: -1 }, reason: "etcdserver: mvcc: required revision has been compacted" },
  {
    request: { key: toUtf8("secret") },
    reason: "rpc error: code = PermissionDenied desc = etcdserver: permission denied",
  },
])("a watch is refused with: $reason", async ({ request, reason }) => {
  const mayWatch: WatchServiceOptions["mayWatch"] = (_, { key }) =>
    Buffer.from(key).toString() === "secret" ? "PermissionDenied" : undefined;
  const test = await started({ mayWatch });
  const { call, stream } = test.connect();
  stream.message(create({ watchId: 7 }));
  stream.message(create(request));
  expect(call.received.slice(1).map(said)).toEqual([
    { watchId: -1, created: true, canceled: true, cancelReason: reason, revision: 1 },
  ]);
  expect(call.status).toBeUndefined();
});

test("cancelling is confirmed once; an unknown watch is passed over in silence", async () => {
  const test = await started();
  const { call, stream } = test.connect();
  stream.message(create());
  for (const id of [0, 0, 5]) stream.message(cancel(id));
  test.put("b");
  await test.pass(1);
  expect(call.received.slice(1).map(said)).toEqual([{ watchId: 0, canceled: true, revision: 1 }]);
});

test("a watch from before the compacted revision is created, then cancelled with that revision", async () => {
  const test = await started();
  for (const key of ["b", "c", "d"]) test.put(key);
  test.state.store.compact(3);
  const { call, stream } = test.connect();
  stream.message(create({ startRevision: 2 }));
  await test.pass(5);
  expect(call.received.map(said)).toEqual([
    { watchId: 0, created: true, revision: 4 },
    { watchId: 0, canceled: true, compactRevision: 3, revision: 0 },
  ]);
});

test("the id of a watch that compaction ended is free once the client has cancelled it", async () => {
  const test = await started();
  for (const key of ["b", "c", "d"]) test.put(key);
  test.state.store.compact(3);
  const { call, stream } = test.connect();
  stream.message(create({ startRevision: 2, watchId: 7 }));
  await test.pass(5);
  for (const message of [create({ watchId: 7 }), cancel(7), cancel(7), create({ watchId: 7 })]) stream.message(message);
  expect(call.received.slice(2).map(said)).toEqual([
    {
      watchId: -1,
      created: true,
      canceled: true,
      cancelReason: "mvcc: duplicate watch ID provided on the WatchStream",
      revision: 4,
    },
    { watchId: 7, canceled: true, revision: 4 },
    { watchId: 7, created: true, revision: 4 },
  ]);
});

test("progress is told on request, at once without watches, and not before the events it speaks of", async () => {
  const test = await started();
  test.put("b");
  const { call, stream } = test.connect();
  stream.message(progressRequest);
  stream.message(create({ startRevision: 2 }));
  stream.message(progressRequest);
  await test.pass(5);
  expect(call.received.map(said)).toEqual([
    { watchId: -1, revision: 2 },
    { watchId: 0, created: true, revision: 2 },
    { watchId: 0, revision: 2, kvs: ["b@2"] },
    { watchId: -1, revision: 2 },
  ]);
});

test("progress is told now and then to watches that want it and have heard nothing lately", async () => {
  const test = await started();
  const { call, stream } = test.connect();
  stream.message(create({ progressNotify: true }));
  stream.message(create());
  stream.message(create({ progressNotify: true, startRevision: 9 }));
  await test.pass(250);
  expect(call.received.slice(3).map(said)).toEqual([{ watchId: 0, revision: 1 }]);
});

test("a slow client is left alone, and told what it missed when it reads again", async () => {
  const test = await started();
  const { call, stream } = test.connect();
  stream.message(create());
  call.slow = true;
  for (const key of ["b", "c", "d"]) {
    test.put(key);
    await test.pass(1);
  }
  stream.message(progressRequest);
  expect(call.received.slice(1).map(said)).toEqual([{ watchId: 0, revision: 2, kvs: ["b@2"] }]);
  call.slow = false;
  call.onDrain?.();
  await test.pass(5);
  expect(call.received.slice(2).map(said)).toEqual([
    { watchId: 0, revision: 3, kvs: ["c@3"] },
    { watchId: 0, revision: 4, kvs: ["d@4"] },
    { watchId: -1, revision: 4 },
  ]);
});

test("filters and prev_kv are per watch", async () => {
  const test = await started();
  const { call, stream } = test.connect();
  stream.message(create({ filters: [FilterType.NOPUT], prevKv: true }));
  test.put("b", "old");
  test.delete("b");
  await test.pass(1);
  const [event] = call.received[1]?.events ?? [];
  expect(call.received.slice(1).map(said)).toEqual([{ watchId: 0, revision: 3, kvs: ["b@3"] }]);
  expect(Buffer.from(event?.prevKv?.value ?? []).toString()).toBe("old");
  expect(event?.kv).toMatchObject({ createRevision: 0, version: 0, lease: 0n });
});

test("a large revision is cut into fragments for whoever asked, and for nobody else", async () => {
  const test = await started();
  const { call, stream } = test.connect();
  stream.message(create({ fragment: true }));
  stream.message(create());
  test.state.store.write((view) => {
    for (const key of ["b", "c", "d", "e"]) view.put(key, new Uint8Array(400), 0n);
  });
  await test.pass(1);
  expect(call.received.slice(2).map(said)).toEqual([
    { watchId: 0, fragment: true, revision: 2, kvs: ["b@2", "c@2"] },
    { watchId: 0, revision: 2, kvs: ["d@2", "e@2"] },
    { watchId: 1, revision: 2, kvs: ["b@2", "c@2", "d@2", "e@2"] },
  ]);
});

test("a stream that requires a leader ends without one; others stay", async () => {
  const test = await started();
  const [demanding, easy] = [test.connect({ hasleader: "true" }), test.connect()];
  for (const lost of [...test.leaderless]) lost();
  expect(demanding.call.status).toEqual({ code: Status.Unavailable, message: "etcdserver: no leader" });
  expect(easy.call.status).toBeUndefined();
  expect(test.leaderless).toEqual([]);
  const leaderless = await started({ hasLeader: () => false });
  expect(() => leaderless.connect({ hasleader: "true" })).toThrow("etcdserver: no leader");
});

test("a client that goes leaves no watcher behind; a member that stops ends all streams", async () => {
  const test = await started();
  const [gone, silent, open] = [test.connect(), test.connect(), test.connect()];
  for (const { stream } of [gone, silent, open]) stream.message(create({ progressNotify: true }));
  gone.call.cancel();
  silent.stream.end();
  expect(test.hub.stats).toMatchObject({ synced: 2, unsynced: 0, victims: 0 });
  test.put("b");
  await test.pass(1);
  expect(silent.call.received.map(said).at(-1)).toEqual({ watchId: 0, revision: 2, kvs: ["b@2"] });
  test.server.stop();
  expect(open.call.status).toEqual({ code: Status.Unavailable, message: "etcdserver: server stopped" });
  expect(test.hub.stats.synced).toBe(0);
});
