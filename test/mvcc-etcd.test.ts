// The state machine against Debian's etcd: the same random requests to both, every answer and every hash compared.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromUtf8, type Random, seededRandom, toUtf8, VirtualClock } from "../base/mod.ts";
import {
  checkDeleteRangeRequest,
  checkPutRequest,
  checkRangeRequest,
  checkTxnRequest,
  type Failure,
  isFailure,
  MemoryHome,
  openState,
  type State,
} from "../kvstore/mvcc/mod.ts";
import {
  CompareResult,
  CompareTarget,
  Encoded,
  etcdErrorName,
  type Init,
  KVService,
  type LeaseGrantRequest,
  LeaseService,
  MaintenanceService,
  type Method,
  type RangeRequest,
  type RangeResponse,
  type RequestOp,
  SortOrder,
  SortTarget,
  type TxnRequest,
  type TxnResponse,
} from "../proto/mod.ts";
import { seed } from "./support/seed.ts";

const requests = Number(process.env["REQUESTS"] ?? 3000);
const maxTxnOps = 128;

let etcd: ChildProcess;
let directory: string;
let client: Client;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mvcc-etcd-"));
  const [clientPort, peerPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  etcd = spawn(
    "etcd",
    [
      ["--data-dir", directory, "--listen-client-urls", url, "--advertise-client-urls", url],
      [
        "--listen-peer-urls",
        peerUrl,
        "--initial-advertise-peer-urls",
        peerUrl,
        "--initial-cluster",
        `default=${peerUrl}`,
      ],
      ["--unsafe-no-fsync"],
    ].flat(),
    { stdio: "ignore" },
  );
  client = new Client(`127.0.0.1:${clientPort}`, credentials.createInsecure());
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 15_000, (error) => (error ? reject(error) : resolve()));
  });
  while (isFailure(await ask(KVService.methods.range, { key: toUtf8("a") })))
    await new Promise((r) => setTimeout(r, 50));
});

afterAll(async () => {
  client?.close();
  etcd?.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

test(`answers and hashes as etcd does (FLOTILLA_SEED=${seed})`, async () => {
  const random = seededRandom(seed);
  const clock = new VirtualClock();
  const state = await openState({
    home: new MemoryHome(),
    clock,
    minLeaseTtl: 2,
    onFailure: (error) => {
      throw error;
    },
  });
  for (let i = 0; i < requests; i++) {
    const request = drawRequest(random, state);
    const ours = askUs(state, request);
    const theirs = newer(request, await askEtcd(request), ours);
    expect(show(ours), `request ${i}: ${JSON.stringify(show(request))}`).toEqual(show(theirs));
    if (i % 50 !== 0) continue;
    const { revision: newest, compactRevision } = state.store;
    // Debian's 3.4 refuses the compact revision itself.
    const revision = newest === compactRevision ? 0 : Math.max(1, newest - random.below(newest - compactRevision));
    const ourHash = await withTimePassing(clock, state.store.hashKv(revision));
    expect({ i, ...hashIn(ourHash) }).toEqual({
      i,
      ...hashIn(await ask(MaintenanceService.methods.hashKV, { revision })),
    });
  }
  const { revision, compactRevision, size } = state.store;
  expect(revision).toBeGreaterThan(requests / 4);
  expect(compactRevision).toBeGreaterThan(0);
  expect(size).toBeGreaterThan(0);
}, 120_000);

type Request =
  | { readonly kind: "range"; readonly init: Init<Parameters<State["applier"]["range"]>[0]> }
  | { readonly kind: "put"; readonly init: Init<Parameters<State["applier"]["put"]>[0]> }
  | { readonly kind: "deleteRange"; readonly init: Init<Parameters<State["applier"]["deleteRange"]>[0]> }
  | { readonly kind: "txn"; readonly init: Init<TxnRequest> }
  | { readonly kind: "compact"; readonly revision: number }
  | { readonly kind: "grant"; readonly init: Init<LeaseGrantRequest> }
  | { readonly kind: "revoke"; readonly id: bigint };

const keys = ["a", "a/1", "a/2", "a0", "b", "c", "c\0", "d"].map(toUtf8);
const ends = [...keys, Uint8Array.of(0), Uint8Array.of(), Uint8Array.of(), Uint8Array.of(), toUtf8("e")];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)] as T;
}

function chance(random: Random, oneIn: number): boolean {
  return random.below(oneIn) === 0;
}

function drawRequest(random: Random, { store }: State): Request {
  const drawn = random.below(100);
  if (drawn < 25) return { kind: "range", init: drawRange(random, store.revision) };
  if (drawn < 50) return { kind: "put", init: drawPut(random) };
  if (drawn < 58) return { kind: "deleteRange", init: drawDelete(random) };
  if (drawn < 90) return { kind: "txn", init: drawTxn(random, store.revision, 3) };
  if (drawn < 93)
    return {
      kind: "compact",
      revision: store.compactRevision + random.below(store.revision - store.compactRevision + 3),
    };
  if (drawn < 97)
    return { kind: "grant", init: { id: BigInt(1 + random.below(4)), ttl: pick(random, [100, 1000, 9_000_000_001]) } };
  return { kind: "revoke", id: BigInt(1 + random.below(4)) };
}

function drawRange(random: Random, revision: number) {
  const sortTarget = pick(random, Object.values(SortTarget));
  const keysOnly = chance(random, 6);
  return {
    key: chance(random, 40) ? Uint8Array.of() : pick(random, [...keys, Uint8Array.of(0)]),
    rangeEnd: pick(random, ends),
    limit: chance(random, 2) ? random.below(5) : 0,
    revision: chance(random, 2) ? random.below(revision + 3) - 1 : 0,
    // Ties are sorted as Go's unstable sort has them: only targets without ties are compared.
    sortTarget: sortTarget === SortTarget.VERSION || sortTarget === SortTarget.VALUE ? SortTarget.KEY : sortTarget,
    sortOrder: chance(random, 2) ? pick(random, Object.values(SortOrder)) : SortOrder.NONE,
    serializable: chance(random, 2),
    keysOnly,
    countOnly: chance(random, 6),
    minModRevision: chance(random, 8) ? random.below(revision + 1) : 0,
    maxModRevision: chance(random, 8) ? random.below(revision + 1) : 0,
    minCreateRevision: chance(random, 8) ? random.below(revision + 1) : 0,
    maxCreateRevision: chance(random, 8) ? random.below(revision + 1) : 0,
  };
}

function drawPut(random: Random, mayIgnore = true) {
  return {
    key: chance(random, 40) ? Uint8Array.of() : pick(random, keys),
    value: toUtf8(pick(random, ["", "x", "y", "zz"])),
    lease: chance(random, 4) ? BigInt(random.below(5)) : 0n,
    prevKv: chance(random, 3),
    ignoreValue: mayIgnore && chance(random, 10),
    ignoreLease: mayIgnore && chance(random, 10),
  };
}

function drawDelete(random: Random, mayBeOpen = true) {
  const rangeEnd = chance(random, 2) ? Uint8Array.of() : pick(random, ends);
  return {
    key: chance(random, 40) ? Uint8Array.of() : pick(random, keys),
    rangeEnd: mayBeOpen || rangeEnd[0] !== 0 ? rangeEnd : Uint8Array.of(),
    prevKv: chance(random, 3),
  };
}

/** Etcd's check for keys written twice does not see into a delete with an open end. A put beside one that keeps the value
 * of a key which that deletes makes etcd panic; so a transaction has either the one or the other. */
function drawTxn(random: Random, revision: number, depth: number, open = chance(random, 2)): Init<TxnRequest> {
  const ops = (most: number) =>
    Array.from({ length: random.below(most + 1) }, () => drawOp(random, revision, depth, open));
  return {
    compare: Array.from({ length: random.below(3) }, () => drawCompare(random, revision)),
    success: ops(3),
    failure: ops(2),
  };
}

function drawOp(random: Random, revision: number, depth: number, open: boolean): Init<RequestOp> {
  const drawn = random.below(20);
  if (drawn < 5) return { requestRange: drawRange(random, revision) };
  if (drawn < 11) return { requestPut: drawPut(random, !open) };
  if (drawn < 15) return { requestDeleteRange: drawDelete(random, open) };
  if (drawn < 19 && depth > 0) return { requestTxn: drawTxn(random, revision, depth - 1, open) };
  return chance(random, 5) ? {} : { requestPut: drawPut(random, !open) };
}

function drawCompare(random: Random, revision: number) {
  const target = pick(random, Object.values(CompareTarget));
  const unions = [
    { version: random.below(3) },
    { createRevision: random.below(revision + 1) },
    { modRevision: random.below(revision + 1) },
    { value: toUtf8(pick(random, ["", "x", "y"])) },
    { lease: BigInt(random.below(3)) },
  ];
  return {
    key: chance(random, 40) ? Uint8Array.of() : pick(random, keys),
    rangeEnd: chance(random, 3) ? pick(random, ends) : Uint8Array.of(),
    result: pick(random, Object.values(CompareResult)),
    target,
    ...(chance(random, 8) ? pick(random, unions) : unions[target]),
  };
}

async function askEtcd(request: Request): Promise<object> {
  switch (request.kind) {
    case "compact":
      return ask(KVService.methods.compact, { revision: request.revision, physical: true });
    case "grant":
      return ask(LeaseService.methods.leaseGrant, request.init);
    case "revoke":
      return ask(LeaseService.methods.leaseRevoke, { id: request.id });
    default:
      return ask(KVService.methods[request.kind] as Method, request.init);
  }
}

const checkedWhenApplied = ["KeyNotFound", "LeaseNotFound", "Compacted", "FutureRev"];

/** What Debian's 3.4 says, in the words of a newer etcd. That answers keys_only from its index, which does not know
 * leases; and of two operations that must fail, it names the first, where 3.4 names puts before ranges. */
function newer(request: Request, answer: object, ours: object): object {
  if (request.kind === "txn" && isFailure(answer) && isFailure(ours)) {
    const isEither = [answer, ours].every(({ failure }) => checkedWhenApplied.includes(failure));
    return isEither ? ours : answer;
  }
  if (request.kind === "range") return newerRange(request.init, answer as RangeResponse);
  return request.kind === "txn" ? newerTxn(request.init, answer as TxnResponse) : answer;
}

function newerRange(request: Init<RangeRequest>, answer: RangeResponse): RangeResponse {
  if (!("keysOnly" in request && request.keysOnly) || answer.kvs === undefined) return answer;
  return { ...answer, kvs: answer.kvs.map((kv) => ({ ...kv, lease: 0n })) };
}

function newerTxn(request: Init<TxnRequest>, answer: TxnResponse): TxnResponse {
  if (answer.responses === undefined || request instanceof Encoded) return answer;
  const ops = (answer.succeeded ? request.success : request.failure) as readonly RequestOp[];
  const responses = answer.responses.map((response, i) => {
    const { requestRange, requestTxn } = ops[i] as RequestOp;
    if (requestRange && response.responseRange) {
      return { ...response, responseRange: newerRange(requestRange, response.responseRange) };
    }
    if (requestTxn && response.responseTxn)
      return { ...response, responseTxn: newerTxn(requestTxn, response.responseTxn) };
    return response;
  });
  return { ...answer, responses };
}

/** What the KV and Lease services do with a request: check, apply, encode. */
function askUs({ applier }: State, request: Request): object {
  const { methods } = KVService;
  switch (request.kind) {
    case "range": {
      const message = methods.range.request.create(request.init);
      return received(methods.range, checkRangeRequest(message) ?? applier.range(message));
    }
    case "put": {
      const message = methods.put.request.create(request.init);
      return received(methods.put, checkPutRequest(message) ?? applier.put(message));
    }
    case "deleteRange": {
      const message = methods.deleteRange.request.create(request.init);
      return received(methods.deleteRange, checkDeleteRangeRequest(message) ?? applier.deleteRange(message));
    }
    case "txn": {
      const message = methods.txn.request.create(request.init);
      return received(methods.txn, checkTxnRequest(message, maxTxnOps) ?? applier.txn(message));
    }
    case "compact": {
      const answer = applier.compact({ revision: request.revision, physical: true });
      return received(methods.compact, isFailure(answer) ? answer : { header: answer.header });
    }
    case "grant":
      return received(
        LeaseService.methods.leaseGrant,
        applier.leaseGrant(LeaseService.methods.leaseGrant.request.create(request.init)),
      );
    case "revoke":
      return received(LeaseService.methods.leaseRevoke, applier.leaseRevoke({ id: request.id }));
  }
}

/** As a client gets it. */
function received<A, B>({ response }: Method<A, B>, answer: Init<B> | Failure): object {
  if (isFailure(answer as object)) return answer as Failure;
  return response.decode(response.encode(answer as Init<B>)) as object;
}

function ask<A, B>(method: Method<A, B>, request: Init<A>): Promise<object> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<Init<A>, B>(
      method.path,
      (value) => Buffer.from(method.request.encode(value)),
      (bytes) => method.response.decode(bytes),
      request,
      (error: ServiceError | null, response?: B) => {
        if (error === null) return resolve(response as object);
        const failure = etcdErrorName(error.details);
        return failure === undefined ? reject(error) : resolve({ failure });
      },
    );
  });
}

function hashIn(answer: object): object {
  const { hash, compactRevision } = answer as { readonly hash: number; readonly compactRevision: number };
  return { hash, compactRevision };
}

/** The hash waits for compactions, and these for time. */
async function withTimePassing<T>(clock: VirtualClock, job: Promise<T>): Promise<T> {
  let done = false;
  const finished = job.finally(() => {
    done = true;
  });
  while (!done) {
    clock.advance(1);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return finished;
}

/** Comparable and legible: bytes as text, headers as their revision. */
function show(value: unknown, name = ""): unknown {
  if (value instanceof Uint8Array) return fromUtf8(value);
  if (typeof value === "bigint") return `${value}`;
  if (name === "header" && value !== undefined) return (value as { revision: number }).revision;
  if (Array.isArray(value)) return value.map((item) => show(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, show(item, key)]));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
