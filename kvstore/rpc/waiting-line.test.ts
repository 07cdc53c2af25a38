import fc from "fast-check";
import { expect, test } from "vitest";
import { fromUtf8, toUtf8 } from "../../base/mod.ts";
import {
  type CampaignResponse,
  ElectionService,
  type Init,
  KVService,
  type LeaderResponse,
  LeaseService,
  type LockResponse,
  LockService,
  type Method,
  RpcError,
  Status,
} from "../../proto/mod.ts";
import { fail, isFailure, type TxnAnswer, WatchHub } from "../mvcc/mod.ts";
import { TestState } from "../mvcc/state.testing.ts";
import { electionService } from "./election.ts";
import { createGrpcServer, type GrpcServer, implement, type OutgoingCall } from "./grpc/mod.ts";
import { lockService } from "./lock.ts";
import { watchServer } from "./watch.ts";

const peer = { address: "test", encrypted: false, certificate: undefined };

/** What became of a call. */
interface Asked<T> {
  readonly call: OutgoingCall;
  readonly heard: T[];
  status: { readonly code: Status; readonly message: string } | undefined;
}

/** The two services over a state whose log is applied at once. */
class TestServer extends TestState {
  server!: GrpcServer;
  full = false;
  #drawn = 0x100n;

  async start(): Promise<this> {
    const { store } = await this.open();
    const onFailure = (error: unknown) => {
      throw error;
    };
    const hub = new WatchHub({ store, clock: this.clock, onFailure });
    const header = (revision = store.revision) => ({ clusterId: 1n, memberId: 2n, raftTerm: 3, revision });
    const checked = <T extends object>(answer: T | { readonly failure: string }): T => {
      if (isFailure(answer)) throw new RpcError(Status.NotFound, `etcdserver: ${answer.failure}`);
      return answer as T;
    };
    const { applier } = this.state;
    const watches = watchServer({
      hub,
      clock: this.clock,
      header,
      maxFragmentBytes: 1000,
      progressIntervalMs: 600_000,
      jitter: () => 0,
      hasLeader: () => true,
      onLeaderLost: () => () => undefined,
    });
    this.server = createGrpcServer({
      clock: this.clock,
      log: () => undefined,
      services: [
        implement(KVService, {
          range: (request, call) => call.reply({ ...checked(applier.range(request)), header: header() }),
          deleteRange: (request, call) => call.reply({ ...applier.deleteRange(request), header: header() }),
          txn(request, call) {
            const answer = checked<TxnAnswer>(applier.txn(request) as TxnAnswer);
            call.reply({ ...answer, header: header(answer.header.revision) });
          },
        }),
        implement(LeaseService, {
          leaseGrant: ({ ttl, id }, call) => {
            const drawn = id === 0n ? this.#drawn++ : id;
            const granted = this.full ? fail("NoSpace") : applier.leaseGrant({ ttl, id: drawn });
            call.reply({ ...checked(granted), header: header() });
          },
        }),
        watches.implementation,
        lockService(() => this.server),
        electionService(() => this.server),
      ],
    });
    return this;
  }

  ask<T>(method: unknown, request: object): Asked<T> {
    const { path, request: type } = method as Method;
    const asked: { heard: T[]; status: Asked<T>["status"] } = { heard: [], status: undefined };
    const listener = {
      message: (response: unknown) => asked.heard.push(response as T) > 0,
      end(code: Status, message: string) {
        asked.status = { code, message };
      },
    };
    const call = this.server.call(path, { peer, metadata: () => undefined }, listener);
    call.send(type.create(request as Init<unknown>));
    call.close();
    return Object.assign(asked, { call });
  }

  lock(lease: bigint): Asked<LockResponse> {
    return this.ask(LockService.methods.lock, { name: toUtf8("l"), lease });
  }

  unlock(key: Uint8Array): Asked<unknown> {
    return this.ask(LockService.methods.unlock, { key });
  }

  keys(): string[] {
    const keys: string[] = [];
    this.state.store.visit({ from: "", to: undefined }, ({ key }) => keys.push(key) > 0);
    return keys;
  }
}

async function started(leases: readonly bigint[] = []): Promise<TestServer> {
  const test = await new TestServer().start();
  for (const id of leases) test.state.applier.leaseGrant({ id, ttl: 60 });
  return test;
}

const keyOf = ({ heard: [answer] }: Asked<LockResponse>) => answer!.key;

test("whoever came first has the lock, one at a time, whatever the others do meanwhile", async () => {
  const sessions = fc.shuffledSubarray([1n, 2n, 3n, 4n, 5n, 6n], { minLength: 2 });
  await fc.assert(
    fc.asyncProperty(sessions, fc.array(fc.nat({ max: 5 })), async (order, quitters) => {
      const test = await started(order);
      const line = order.map((lease) => ({ lease, asked: test.lock(lease) }));
      await test.pass(2);
      const quit = new Set(quitters.map((at) => line[1 + (at % (line.length - 1))]!));
      for (const { asked } of quit) asked.call.cancel();
      await test.pass(5);
      for (const waiting of line.filter((one) => !quit.has(one))) {
        const holders = line.filter(({ asked }) => asked.heard.length > 0).map(({ lease }) => lease);
        expect(holders.at(-1)).toBe(waiting.lease);
        test.unlock(keyOf(waiting.asked));
        await test.pass(5);
      }
      expect(test.keys()).toEqual([]);
    }),
    { numRuns: 20 },
  );
});

test("asking again with the same lease gives the same lock; without a lease the server gives one for a minute", async () => {
  const test = await started([7n]);
  const [first, again] = [test.lock(7n), test.lock(7n)];
  await test.pass(2);
  expect([keyOf(first), keyOf(again)].map(fromUtf8)).toEqual(["l/7", "l/7"]);
  const own = test.ask<LockResponse>(LockService.methods.lock, { name: toUtf8("other") });
  await test.pass(2);
  expect(fromUtf8(keyOf(own))).toBe("other/100");
  expect(test.state.lessor.leases()).toContain(0x100n);
});

test("a lock whose lease ended while it was waited for is not given, and a lease that does not exist gives none", async () => {
  const test = await started([1n, 2n]);
  const holder = test.lock(1n);
  const waiting = test.lock(2n);
  await test.pass(2);
  test.state.applier.leaseRevoke({ id: 2n });
  test.unlock(keyOf(holder));
  await test.pass(5);
  expect(waiting.status).toEqual({ code: Status.Unknown, message: "mutex: session is expired" });
  const unknown = test.lock(99n);
  await test.pass(2);
  expect(unknown.status).toEqual({ code: Status.Unknown, message: "etcdserver: LeaseNotFound" });
  test.full = true;
  const refused = test.lock(0n);
  await test.pass(2);
  expect(refused.status).toEqual({ code: Status.Unknown, message: "etcdserver: NoSpace" });
});

test("an election: leaders follow each other, observers hear of each and of what it says", async () => {
  const test = await started([1n, 2n, 3n]);
  const { campaign, proclaim, resign, leader, observe } = ElectionService.methods;
  const name = toUtf8("e");
  const run = (lease: bigint, value: string) =>
    test.ask<CampaignResponse>(campaign, { name, lease, value: toUtf8(value) });
  const observer = test.ask<LeaderResponse>(observe, { name });
  const values = () => observer.heard.map(({ kv }) => fromUtf8(kv!.value));
  await test.pass(2);
  const first = run(1n, "a");
  const [second, third] = [run(2n, "b"), run(3n, "c")];
  await test.pass(5);
  expect([first, second, third].map(({ heard }) => heard.length)).toEqual([1, 0, 0]);
  const key = first.heard[0]!.leader!;
  expect(key).toMatchObject({ name, rev: 2, lease: 1n });
  test.ask(proclaim, { leader: key, value: toUtf8("a2") });
  second.call.cancel();
  await test.pass(5);
  expect(values()).toEqual(["a", "a2"]);
  test.ask(resign, { leader: key });
  await test.pass(5);
  expect(third.heard).toHaveLength(1);
  expect(values()).toEqual(["a", "a2", "c"]);
  const late = test.ask(proclaim, { leader: key, value: toUtf8("late") });
  const now = test.ask<LeaderResponse>(leader, { name });
  const none = test.ask(leader, { name: toUtf8("nobody") });
  const whose = test.ask(resign, {});
  await test.pass(2);
  expect(late.status?.message).toBe("election: not leader");
  expect(fromUtf8(now.heard[0]!.kv!.value)).toBe("c");
  expect(none.status).toEqual({ code: Status.Unknown, message: "election: no leader" });
  expect(whose.status).toEqual({ code: Status.Unknown, message: '"leader" field must be provided' });
  observer.call.cancel();
});
