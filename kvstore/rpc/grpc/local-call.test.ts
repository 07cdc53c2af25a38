import { expect, test } from "vitest";
import { toUtf8, VirtualClock } from "../../../base/mod.ts";
import {
  AlarmResponse,
  DeleteRangeRequest,
  type Init,
  KeyValue,
  KVService,
  LeaseKeepAliveRequest,
  LeaseService,
  PutRequest,
  RangeRequest,
  RpcError,
  Status,
} from "../../../proto/mod.ts";
import { type BidiCall, createGrpcServer, implement, type UnaryCall } from "./mod.ts";

const peer = { address: "here", encrypted: false, certificate: undefined };

class Listener {
  readonly heard: unknown[] = [];
  ready = true;
  ended: { readonly code: Status; readonly message: string } | undefined;

  message(response: unknown): boolean {
    this.heard.push(response);
    return this.ready;
  }

  end(code: Status, message: string): void {
    this.ended = { code, message };
  }
}

function start() {
  const clock = new VirtualClock();
  const waiting: UnaryCall<unknown>[] = [];
  const streams: BidiCall<unknown>[] = [];
  const received: unknown[] = [];
  const server = createGrpcServer({
    clock,
    log: () => undefined,
    maxRequestBytes: 100,
    beforeCall: (call) => {
      if (call.metadata("token") === "wrong") throw new RpcError(Status.Unauthenticated, "wrong token");
    },
    services: [
      implement(KVService, {
        range: ({ key }, call) => call.reply({ kvs: [KeyValue.preEncode({ key, version: 3 })], count: 1 }),
        put: (_, call) => void waiting.push(call as UnaryCall<unknown>),
        async deleteRange() {
          throw new RpcError(Status.NotFound, "nothing there");
        },
      }),
      implement(LeaseService, {
        leaseKeepAlive(call) {
          streams.push(call as BidiCall<unknown>);
          return { message: (request) => void received.push(request), end: () => call.end() };
        },
      }),
    ],
  });
  const call = (path: string, options: { token?: string; timeoutMs?: number } = {}) => {
    const listener = new Listener();
    const metadata = (key: string) => (key === "token" ? options.token : undefined);
    const outgoing = server.call(path, { peer, metadata, timeoutMs: options.timeoutMs }, listener);
    return { listener, outgoing };
  };
  const counters = (path: string) => server.methods.get(path)!.counters;
  return { clock, server, waiting, streams, received, call, counters };
}

const put = KVService.methods.put.path;
const keepAlive = LeaseService.methods.leaseKeepAlive.path;
const requestOf = (key: string): Init<PutRequest> => ({ key: toUtf8(key) });

test("an answer comes decoded, whatever it was made of, and is counted as any call", () => {
  const { call, counters } = start();
  const { listener, outgoing } = call(KVService.methods.range.path);
  outgoing.send(RangeRequest.create({ key: toUtf8("a") }));
  expect(listener.heard).toEqual([]);
  outgoing.close();
  expect(listener.heard).toMatchObject([{ kvs: [{ key: toUtf8("a"), version: 3 }], count: 1 }]);
  expect(listener.ended).toEqual({ code: Status.OK, message: "" });
  expect(counters(KVService.methods.range.path)).toMatchObject({ started: 1, received: 1, sent: 1 });
});

test("what a handler throws, a check refuses, or is too large, ends the call", async () => {
  const { call } = start();
  const refused = call(put, { token: "wrong" });
  expect(refused.listener.ended).toEqual({ code: Status.Unauthenticated, message: "wrong token" });
  refused.outgoing.close();
  const failing = call(KVService.methods.deleteRange.path);
  failing.outgoing.send(DeleteRangeRequest.create({}));
  failing.outgoing.close();
  await Promise.resolve();
  await Promise.resolve();
  expect(failing.listener.ended).toEqual({ code: Status.NotFound, message: "nothing there" });
  const large = call(put);
  large.outgoing.send(PutRequest.create(requestOf("x".repeat(200))));
  expect(large.listener.ended).toMatchObject({ code: Status.ResourceExhausted });
});

test("a call is cancelled, or its time is over: its handler hears of it, and of nothing more", () => {
  const { call, waiting, clock, counters } = start();
  const begun = (options = {}) => {
    const { listener, outgoing } = call(put, options);
    outgoing.send(PutRequest.create(requestOf("a")));
    outgoing.close();
    const handled = waiting.at(-1)!;
    let told = 0;
    handled.onCancel = () => {
      told++;
    };
    return { listener, outgoing, handled, told: () => told };
  };
  const cancelled = begun();
  cancelled.outgoing.cancel();
  cancelled.handled.reply({});
  expect(cancelled.told()).toBe(1);
  expect(cancelled.handled.cancelled).toBe(true);
  expect(cancelled.listener).toMatchObject({ heard: [], ended: undefined });
  const late = begun({ timeoutMs: 50 });
  clock.advance(50);
  expect(late.told()).toBe(1);
  expect(late.listener.ended?.code).toBe(Status.DeadlineExceeded);
  expect(counters(put).handled[Status.Canceled]).toBe(1);
  expect(counters(put).handled[Status.DeadlineExceeded]).toBe(1);
});

test("a stream that is paused gets its requests later, in order, and its end last", () => {
  const { call, streams, received } = start();
  const { listener, outgoing } = call(keepAlive);
  const [stream] = streams;
  const request = (id: bigint) => LeaseKeepAliveRequest.create({ id });
  expect(outgoing.send(request(1n))).toBe(true);
  stream!.pause();
  expect(outgoing.send(request(2n))).toBe(false);
  outgoing.send(request(3n));
  outgoing.close();
  expect(received).toEqual([{ id: 1n }]);
  expect(listener.ended).toBeUndefined();
  stream!.resume();
  expect(received).toEqual([{ id: 1n }, { id: 2n }, { id: 3n }]);
  expect(listener.ended?.code).toBe(Status.OK);
});

test("answers that the listener cannot take are held back by who makes them, until it can", () => {
  const { call, streams } = start();
  const { listener, outgoing } = call(keepAlive);
  let drained = 0;
  streams[0]!.onDrain = () => {
    drained++;
  };
  listener.ready = false;
  expect(streams[0]!.write(AlarmResponse.create({}) as never)).toBe(false);
  outgoing.drained();
  expect(drained).toBe(1);
});

test("calls that are part of others are not counted", () => {
  const { server, counters } = start();
  const outgoing = server.call(put, { peer, metadata: () => undefined }, new Listener(), false);
  outgoing.send(PutRequest.create(requestOf("a")));
  outgoing.close();
  expect(counters(put).started).toBe(0);
});
