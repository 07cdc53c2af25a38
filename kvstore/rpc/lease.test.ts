import { expect, test } from "vitest";
import {
  type Init,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseService,
  type Method,
  Status,
} from "../../proto/mod.ts";
import { fail, isFailure } from "../mvcc/mod.ts";
import { TestState } from "../mvcc/state.testing.ts";
import type { BidiCall, Handlers, UnaryCall } from "./grpc/mod.ts";
import { type LeaderLeases, type LeaseServiceOptions, leaseService, localLeases } from "./lease.ts";

type LeaseHandlers = Required<Handlers<typeof LeaseService>>;

/** A member of a cluster whose log is applied at once by whoever is asked. */
class Member extends TestState {
  options!: LeaseServiceOptions;
  handlers!: LeaseHandlers;
  leader: LeaderLeases | undefined;
  confirmed = true;
  drawn = 100n;

  async start(): Promise<this> {
    const { applier, store } = await this.open();
    const nobody = async () => fail("NotPrimary");
    const options: LeaseServiceOptions = {
      lessor: () => this.state.lessor,
      clock: this.clock,
      header: () => ({ clusterId: 1n, memberId: 2n, raftTerm: 3, revision: store.revision }),
      drawLeaseId: () => this.drawn++,
      propose: {
        grant: async (request) => applier.leaseGrant(request),
        revoke: async (request) => applier.leaseRevoke(request),
      },
      confirmLeadership: async () => this.confirmed,
      leader: {
        renew: (id) => (this.leader?.renew ?? nobody)(id),
        timeToLive: (id) => (this.leader?.timeToLive ?? nobody)(id),
      },
      requestTimeoutMs: 7000,
    };
    this.options = options;
    this.handlers = leaseService(options).handlers as unknown as LeaseHandlers;
    return this;
  }

  lead(): void {
    this.state.lessor.promote(1000, {
      revoke: async (id) => this.state.applier.leaseRevoke({ id }),
      checkpoint: async (checkpoints) => this.state.applier.leaseCheckpoint({ checkpoints }),
      makesCheckpoints: true,
    });
  }

  /** The answer, or the error's text. */
  async ask<A, B>(handler: (request: A, call: UnaryCall<B>) => void | Promise<void>, request: A): Promise<unknown> {
    let reply: unknown;
    const call = { reply: (message: Init<B>) => (reply = message) } as unknown as UnaryCall<B>;
    try {
      await this.until(Promise.resolve(handler(request, call)));
    } catch (error) {
      return (error as Error).message;
    }
    return reply;
  }

  keepAlive(): FakeKeepAlive {
    return new FakeKeepAlive(this.handlers);
  }
}

class FakeKeepAlive {
  readonly answers: string[] = [];
  status: string | undefined;
  readonly #receiver: ReturnType<LeaseHandlers["leaseKeepAlive"]>;

  constructor(handlers: LeaseHandlers) {
    const call: Partial<BidiCall<LeaseKeepAliveResponse>> = {
      method: LeaseService.methods.leaseKeepAlive as Method,
      cancelled: false,
      write: (message) => {
        const { id, ttl } = LeaseKeepAliveResponse.create(message);
        this.answers.push(`${id}: ${ttl}`);
        return true;
      },
      fail: (code, message) => {
        this.status ??= `${code} ${message}`;
      },
      end: () => {
        this.status ??= `${Status.OK}`;
      },
    };
    this.#receiver = handlers.leaseKeepAlive(call as BidiCall<LeaseKeepAliveResponse>);
  }

  renew(id: bigint): void {
    this.#receiver.message(LeaseKeepAliveRequest.create({ id }));
  }

  end(): void {
    this.#receiver.end();
  }
}

test("a lease without an id gets one; a failure gets etcd's text", async () => {
  const one = await new Member().start();
  const { leaseGrant, leaseRevoke } = one.handlers;
  expect(await one.ask(leaseGrant, { id: 0n, ttl: 10 })).toMatchObject({ id: 100n, ttl: 10, header: { revision: 1 } });
  expect(await one.ask(leaseGrant, { id: 100n, ttl: 10 })).toBe("etcdserver: lease already exists");
  expect(await one.ask(leaseRevoke, { id: 100n })).toMatchObject({ header: { revision: 1, memberId: 2n } });
  expect(await one.ask(leaseRevoke, { id: 100n })).toBe("etcdserver: requested lease not found");
});

test("the leader renews and tells what is left; a lease that is not there has TTL 0 and -1", async () => {
  const one = await new Member().start();
  one.lead();
  await one.ask(one.handlers.leaseGrant, { id: 1n, ttl: 10 });
  await one.pass(4000);
  expect(await one.ask(one.handlers.leaseTimeToLive, { id: 1n, keys: true })).toMatchObject({
    ttl: 5,
    grantedTTL: 10,
    keys: [],
  });
  expect(await one.ask(one.handlers.leaseTimeToLive, { id: 9n, keys: false })).toMatchObject({ id: 9n, ttl: -1 });
  const stream = one.keepAlive();
  for (const id of [1n, 9n, 1n]) stream.renew(id);
  stream.end();
  await one.pass(5);
  expect(stream.answers).toEqual(["1: 10", "9: 0", "1: 10"]);
  expect(stream.status).toBe("0");
});

test("a follower asks the leader", async () => {
  const [leader, follower] = [await new Member().start(), await new Member().start()];
  leader.lead();
  for (const member of [leader, follower]) await member.ask(member.handlers.leaseGrant, { id: 1n, ttl: 10 });
  follower.leader = localLeases(leader.options);
  await leader.pass(4000);
  const stream = follower.keepAlive();
  stream.renew(1n);
  await follower.pass(5);
  expect(stream.answers).toEqual(["1: 10"]);
  const left = leader.state.lessor.timeToLive(1n);
  expect(isFailure(left) ? left : left.ttl).toBe(10);
  expect(await follower.ask(follower.handlers.leaseTimeToLive, { id: 1n, keys: false })).toMatchObject({ ttl: 10 });
});

test("a leader that is none any more, and does not know it, renews nothing", async () => {
  const [old, next] = [await new Member().start(), await new Member().start()];
  for (const member of [old, next]) {
    member.lead();
    await member.ask(member.handlers.leaseGrant, { id: 1n, ttl: 10 });
  }
  old.confirmed = false;
  await old.pass(4000);
  const stream = old.keepAlive();
  stream.renew(1n);
  await old.pass(100);
  expect(stream.answers).toEqual([]);
  old.state.lessor.demote();
  old.leader = localLeases(next.options);
  await old.pass(100);
  expect(stream.answers).toEqual(["1: 10"]);
});

test("without a leader, renewing ends in a timeout that clients know", async () => {
  const one = await new Member().start();
  const stream = one.keepAlive();
  stream.renew(1n);
  await one.pass(7100);
  expect(stream.status).toBe(`${Status.Unavailable} etcdserver: request timed out`);
});
