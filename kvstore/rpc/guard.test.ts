import { expect, test } from "vitest";
import { Deferred } from "../../base/mod.ts";
import { KVService, LeaseService, MaintenanceService } from "../../proto/mod.ts";
import type { Access } from "./access.ts";
import { rpcError } from "./errors.ts";
import type { BidiCall, BidiHandler, Call, Implementation, UnaryCall, UnaryHandler } from "./grpc/mod.ts";
import { guarded } from "./guard.ts";

type Handlers = Readonly<Record<string, UnaryHandler<unknown, unknown>>>;

const nobody = {
  requireUser: () => {
    throw rpcError("UserEmpty");
  },
  requireRoot: () => {
    throw rpcError("PermissionDenied");
  },
} as unknown as Access;
const never = () => undefined;

/** Notes what reaches the handlers. */
function recording(service: unknown): { implementation: Implementation; seen: unknown[] } {
  const seen: unknown[] = [];
  const { methods } = service as { methods: Record<string, { kind: string }> };
  const stream: BidiHandler<unknown, unknown> = () => ({
    message: (request) => seen.push(request),
    end: () => seen.push("end"),
  });
  const unary: UnaryHandler<unknown, unknown> = (request) => void seen.push(request);
  const handlers = Object.fromEntries(
    Object.entries(methods).map(([name, { kind }]) => [name, kind === "bidi" ? stream : unary]),
  );
  return { implementation: { service, handlers } as unknown as Implementation, seen };
}

class FakeCall {
  cancelled = false;
  readonly log: string[] = [];
  pause = () => this.log.push("pause");
  resume = () => this.log.push("resume");
  fail = (_: number, message: string) => this.log.push(message);
}
const fakeCall = () => new FakeCall() as unknown as BidiCall<unknown> & UnaryCall<unknown> & FakeCall;

test("what root alone may is refused before its handler sees it, what asks for keys is not", () => {
  const { implementation, seen } = recording(MaintenanceService);
  const maintenance = guarded(implementation, nobody, never).handlers as Handlers;
  const kv = guarded({ ...recording(KVService).implementation }, nobody, never).handlers as Handlers;
  for (const name of ["defragment", "hash", "hashKV", "snapshot", "moveLeader", "downgrade"]) {
    expect(() => maintenance[name]!({}, fakeCall()), name).toThrow("permission denied");
  }
  expect(() => kv.compact!({}, fakeCall())).toThrow("permission denied");
  expect(() => maintenance.status!({}, fakeCall())).toThrow("user name is empty");
  maintenance.alarm!("get", fakeCall());
  expect(seen).toEqual(["get"]);
  for (const name of ["range", "put", "txn"]) kv[name]!({}, fakeCall());
});

test("a call whose login is not applied here waits for it; one whose client has gone is forgotten", async () => {
  const { implementation, seen } = recording(KVService);
  const applied = new Deferred<void>();
  const { put } = guarded(implementation, nobody, () => applied.promise).handlers as Handlers;
  const gone = fakeCall();
  const done = [put!("first", fakeCall()), put!("of one who left", gone)];
  gone.cancelled = true;
  expect(seen).toEqual([]);
  applied.resolve();
  await Promise.all(done);
  expect(seen).toEqual(["first"]);
});

test("a stream waits too, and loses nothing of what was sent meanwhile", async () => {
  const { implementation, seen } = recording(LeaseService);
  const applied = new Deferred<void>();
  const wait = (_: Call) => applied.promise;
  const { leaseKeepAlive } = guarded(implementation, nobody, wait).handlers as Record<
    string,
    BidiHandler<unknown, unknown>
  >;
  const call = fakeCall();
  const receiver = leaseKeepAlive!(call);
  receiver.message(1);
  receiver.message(2);
  expect([call.log, seen]).toEqual([["pause"], []]);
  applied.resolve();
  await applied.promise;
  await Promise.resolve();
  receiver.message(3);
  receiver.end();
  expect([call.log, seen]).toEqual([
    ["pause", "resume"],
    [1, 2, 3, "end"],
  ]);
});
