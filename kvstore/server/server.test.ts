import { describe, expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { isFailure } from "../mvcc/mod.ts";
import { clusterId, memberId, RequestIds } from "./ids.ts";
import { parseJson, toJson } from "./json.ts";
import { type ClusterMember, decodeMemberChange, encodeMemberChange, Membership } from "./membership.ts";
import { FrameReader, frame, frameKinds } from "./peer/frame.ts";
import { decodeHello, encodeHello } from "./peer/hello.ts";
import { Reads } from "./reads.ts";
import { Requests } from "./requests.ts";

describe("ids", () => {
  test("are those that Debian's etcd gives for the same flags", () => {
    // etcd 3.4.23 with --initial-cluster a=http://127.0.0.1:33800 and the default token, as in its log metadata.
    const member = memberId(["http://127.0.0.1:33800"], "etcd-cluster");
    expect(member.toString(16)).toBe("80961833613b81b4");
    expect(clusterId([member]).toString(16)).toBe("602f2b0bd975753b");
  });

  test("of requests never repeat, also between members and restarts", () => {
    const seen = new Set<bigint>();
    for (const [member, now] of [
      [1n, 1000],
      [2n, 1000],
      [1n, 2000],
    ] as const) {
      const ids = new RequestIds(member, now);
      for (let at = 0; at < 1000; at++) seen.add(ids.next());
    }
    expect(seen.size).toBe(3000);
  });
});

test("JSON keeps numbers of 64 bits exact", () => {
  const text = toJson({ id: 18446744073709551615n, small: 5, list: [1n] });
  expect(text).toBe('{"id":18446744073709551615,"small":5,"list":[1]}');
  expect(parseJson(text)).toEqual({ id: 18446744073709551615n, small: 5, list: [1] });
});

const alice: ClusterMember = {
  id: 2n ** 63n + 1n,
  name: "alice",
  peerUrls: ["http://a:1"],
  clientUrls: [],
  isLearner: true,
};

describe("membership", () => {
  test("survives a restart: members, who was removed, the version, the configuration", () => {
    const disk = new Map<string, Uint8Array>();
    const records = {
      get: (bucket: string, key: string) => disk.get(`${bucket}/${key}`),
      put: (bucket: string, key: string, value: Uint8Array) => disk.set(`${bucket}/${key}`, value),
      delete: (bucket: string, key: string) => disk.delete(`${bucket}/${key}`),
    };
    const before = new Membership(records);
    before.add(alice);
    before.add({ ...alice, id: 3n, name: "", peerUrls: ["http://b:1"] });
    before.setAttributes(alice.id, { name: "alice", clientUrls: ["http://a:2"] });
    before.promote(alice.id);
    before.remove(3n);
    before.setVersion("3.7.0");
    const confState = { voters: [alice.id], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
    before.setConfState(confState);
    const after = new Membership(records);
    expect(after.members).toEqual([{ ...alice, isLearner: false, clientUrls: ["http://a:2"] }]);
    expect(after.isRemoved(3n)).toBe(true);
    expect(after.version).toBe("3.7.0");
    expect(after.confState).toEqual(confState);
  });

  test("a change carries the member, as etcd writes it", () => {
    expect(decodeMemberChange(encodeMemberChange({ member: alice, isPromote: true }))).toEqual({
      member: alice,
      isPromote: true,
    });
    expect(new TextDecoder().decode(encodeMemberChange({ member: alice, isPromote: false }))).toBe(
      '{"id":9223372036854775809,"peerURLs":["http://a:1"],"isLearner":true,"name":"alice"}',
    );
  });
});

describe("requests", () => {
  test("are settled once, by their id", () => {
    const outcomes: unknown[] = [];
    const requests = new Requests(100);
    requests.add(1n, 0, (outcome) => outcomes.push(outcome));
    requests.settle(2n, "another's");
    requests.settle(1n, "applied");
    requests.settle(1n, "again");
    requests.failAll("Stopped");
    expect(outcomes).toEqual(["applied"]);
  });

  test("are given up after their time, the oldest first, with the reason of their time", () => {
    const outcomes: unknown[] = [];
    const requests = new Requests(100);
    for (const at of [0, 10, 20]) requests.add(BigInt(at), at, (outcome) => outcomes.push(outcome));
    requests.settle(0n, "applied");
    requests.expire(115, (since) => (since === 10 ? "TimeoutDueToLeaderFail" : "Timeout"));
    expect(outcomes).toEqual(["applied", { failure: "TimeoutDueToLeaderFail" }]);
    requests.expire(120, () => "Timeout");
    expect(outcomes.slice(1).every((outcome) => isFailure(outcome as object))).toBe(true);
    expect(requests.size).toBe(0);
  });

  test("that a fallen leader took with it are given up once its successor's first entry is applied", () => {
    const outcomes = new Map<bigint, unknown>();
    const requests = new Requests(100);
    const add = (id: bigint, batched = true) => requests.add(id, 0, (outcome) => outcomes.set(id, outcome), batched);
    add(1n);
    add(2n);
    add(3n, false); // a change of membership, which is proposed by itself, and again if need be
    requests.handedOver(1);
    add(4n); // waits for a leader
    requests.settle(1n, "applied");
    requests.loseBefore(1);
    expect([...outcomes]).toEqual([[1n, "applied"]]);
    requests.loseBefore(2);
    expect([...outcomes]).toEqual([
      [1n, "applied"],
      [2n, { failure: "TimeoutDueToLeaderFail" }],
    ]);
    requests.handedOver(2);
    requests.loseBefore(2);
    expect(requests.has(3n) && requests.has(4n)).toBe(true);
    requests.loseBefore(3);
    expect(requests.has(3n) && !requests.has(4n)).toBe(true);
  });
});

describe("reads", () => {
  const setup = () => {
    const asked: Uint8Array[] = [];
    const answers: (string | undefined)[] = [];
    const reads = new Reads(7000, (context) => asked.push(context));
    const add = (name: string) =>
      reads.add((failure) => answers.push(failure === undefined ? name : `${name}: ${failure}`), 0);
    return { reads, asked, answers, add };
  };

  test("that come during a round are served by the next one, not by it", () => {
    const { reads, asked, answers, add } = setup();
    add("a");
    add("b");
    reads.start(0);
    add("c");
    reads.start(0);
    expect(asked.length).toBe(1);
    reads.confirm(asked[0]!, 5, 5);
    expect(answers).toEqual(["a", "b"]);
    reads.start(0);
    reads.confirm(asked[1]!, 5, 5);
    expect(answers).toEqual(["a", "b", "c"]);
  });

  test("wait until what the leader had committed is applied here", () => {
    const { reads, asked, answers, add } = setup();
    add("a");
    reads.start(0);
    reads.confirm(asked[0]!, 9, 5);
    reads.advance(8);
    expect(answers).toEqual([]);
    reads.advance(9);
    expect(answers).toEqual(["a"]);
  });

  test("a late answer to a question that was asked again confirms nothing", () => {
    const { reads, asked, answers, add } = setup();
    add("a");
    reads.start(0);
    reads.tick(500);
    expect(asked.length).toBe(2);
    reads.confirm(asked[0]!, 1, 1);
    expect(answers).toEqual([]);
    reads.confirm(asked[1]!, 1, 1);
    expect(answers).toEqual(["a"]);
  });

  test("fail when the leader changes or time is over", () => {
    const { reads, answers, add } = setup();
    add("a");
    reads.start(0);
    reads.failRound("LeaderChanged");
    add("b");
    reads.start(0);
    reads.tick(7000);
    expect(answers).toEqual(["a: LeaderChanged", "b: Timeout"]);
  });
});

describe("frames", () => {
  test("come whole and in order however the bytes are cut", () => {
    const sent = [
      frame(frameKinds.ping, new Uint8Array(0)),
      frame(frameKinds.message, toUtf8("hello")),
      frame(frameKinds.chunk, new Uint8Array(3000).fill(7)),
    ];
    const bytes = Buffer.concat(sent);
    for (const step of [1, 2, 3, 7, 100, bytes.length]) {
      const got: Uint8Array[] = [];
      const reader = new FrameReader((kind, payload) => got.push(frame(kind, payload)));
      for (let at = 0; at < bytes.length; at += step) reader.feed(bytes.subarray(at, at + step));
      expect(got.map((one) => Buffer.from(one).toString("hex"))).toEqual(
        sent.map((one) => Buffer.from(one).toString("hex")),
      );
    }
  });

  test("a stranger's bytes are refused", () => {
    const reader = new FrameReader(() => undefined);
    expect(() => reader.feed(toUtf8("GET / HTTP/1.1\r\n"))).toThrow("a frame of");
    expect(decodeHello(toUtf8("{}"))).toBeUndefined();
  });

  test("a hello says who, to whom, and what for", () => {
    const ids = { clusterId: 2n ** 64n - 1n, from: 1n, to: 2n };
    const hello = { ...ids, stream: "append", version: "3.7.0", peerUrls: ["http://a:2380"] } as const;
    expect(decodeHello(encodeHello(hello))).toEqual(hello);
  });
});
