import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Deferred, fromUtf8, toUtf8, VirtualClock } from "../../../base/mod.ts";
import { type Message, MessageType } from "../../../raft/mod.ts";
import { MemberMetrics } from "../../metrics/mod.ts";
import { askEachForMembers, askForMembers, encodeMembers } from "../join.ts";
import { machineClock } from "../machine-clock.ts";
import type { ClusterMember } from "../membership.ts";
import type { TransportEvents } from "../transport.ts";
import { PeerTransport } from "./peer-transport.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function freeUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

async function open(self: bigint, url: string, events: Partial<TransportEvents> = {}): Promise<PeerTransport> {
  const transport = await PeerTransport.open({
    clusterId: 7n,
    self,
    version: "3.7.0",
    peerUrls: () => [url],
    listenUrls: [url],
    tls: undefined,
    clock: machineClock,
    log: () => undefined,
    isRemoved: () => false,
    openSnapshot: () => Promise.reject(new Error("none")),
    openStage: () => Promise.reject(new Error("none")),
    metrics: new MemberMetrics(),
    events: {
      message: () => undefined,
      unreachable: () => undefined,
      introduced: () => undefined,
      removed: () => undefined,
      snapshotSent: () => undefined,
      snapshotReceived: () => undefined,
      request: () => Promise.reject(new Error("not asked for")),
      ...events,
    },
  });
  stops.push(() => transport.stop());
  return transport;
}

function withEntry(type: MessageType, data: string): Message {
  const entry = { type: 0, term: 0, index: 0, data: toUtf8(data) } as const;
  const none = { term: 0, logTerm: 0, index: 0, commit: 0, reject: false, rejectHint: 0, priority: 0 };
  return { ...none, type, to: 2n, from: 1n, entries: [entry], context: new Uint8Array(0) };
}

const texts = (message: Message) => message.entries.map(({ data }) => fromUtf8(data));

test("a proposal passed on before the leader is connected arrives when it is; what Raft repeats is lost", async () => {
  const url = await freeUrl();
  const first = await open(1n, await freeUrl());
  first.setPeers([{ id: 2n, peerUrls: [url] }]);
  first.send([withEntry(MessageType.MsgApp, "an append"), withEntry(MessageType.MsgProp, "a proposal")]);
  const arrived = new Deferred<Message>();
  await open(2n, url, { message: (message) => arrived.resolve(message) });
  expect(texts(await arrived.promise)).toEqual(["a proposal"]);
});

test("who is connected to hears who that is and where it is to be found, and can answer one that it knew nothing of", async () => {
  const [leader, behind] = [await freeUrl(), await freeUrl()];
  const answered = new Deferred<Message>();
  const first = await open(1n, leader, { message: (message) => answered.resolve(message) });
  const second = await open(2n, behind, {
    introduced(peer) {
      second.setPeers([peer]);
      second.send([{ ...withEntry(MessageType.MsgProp, "an answer"), to: 1n, from: 2n }]);
    },
  });
  first.setPeers([{ id: 2n, peerUrls: [behind] }]);
  expect(texts(await answered.promise)).toEqual(["an answer"]);
});

test("who joins asks until somebody has heard of it", async () => {
  const joining: ClusterMember = { id: 3n, name: "", peerUrls: ["http://c"], clientUrls: [], isLearner: false };
  const old: ClusterMember = { ...joining, id: 1n, name: "old", peerUrls: ["http://a"] };
  const urls = [await freeUrl(), await freeUrl()];
  const asked = [0, 0];
  const isNews = [() => false, () => (asked[1] ?? 0) > 2];
  for (const [at, url] of urls.entries()) {
    const answer = () => {
      asked[at]!++;
      return Promise.resolve(encodeMembers(7n, isNews[at]!() ? [old, joining] : [old], 1));
    };
    await open(BigInt(at + 1), url, { request: answer });
  }
  const has = (members: readonly ClusterMember[]) => members.some(({ id }) => id === joining.id);
  const { members } = await askForMembers(urls, undefined, machineClock, "3.7.0", has);
  expect(members).toEqual([old, joining]);
  expect(asked).toEqual([3, 3]);
});

test("who joins waits for the answer of a member that is hard to reach, if the others have not heard of it", async () => {
  const joining: ClusterMember = { id: 3n, name: "", peerUrls: ["http://c"], clientUrls: [], isLearner: false };
  const clock = new VirtualClock();
  const asked = { stale: 0, cutOff: 0 };
  const ask = async (url: string) => {
    if (url === "stale") {
      asked.stale++;
      return encodeMembers(7n, [], 1);
    }
    if (++asked.cutOff < 4) {
      clock.advance(3000);
      throw new Error("no answer");
    }
    return encodeMembers(7n, [joining], 1);
  };
  const has = (members: readonly ClusterMember[]) => members.length > 0;
  const answer = askEachForMembers(["stale", "cutOff"], ask, clock, has);
  while (asked.cutOff < 4) {
    await new Promise(setImmediate);
    clock.advance(200);
  }
  expect((await answer).members).toEqual([joining]);
});

test("who was never added is told after a while what all know", async () => {
  const old: ClusterMember = { id: 1n, name: "old", peerUrls: ["http://a"], clientUrls: [], isLearner: false };
  const clock = new VirtualClock();
  let over = false;
  const answer = askEachForMembers(
    ["a"],
    () => Promise.resolve(encodeMembers(7n, [old], 1)),
    clock,
    () => false,
  );
  const ended = answer.finally(() => {
    over = true;
  });
  while (!over) {
    await new Promise(setImmediate);
    clock.advance(100);
  }
  expect((await ended).members).toEqual([old]);
  expect(clock.monotonic()).toBeLessThan(6000);
});
