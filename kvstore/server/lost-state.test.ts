import { expect, test } from "vitest";
import { Failure } from "../../base/mod.ts";
import { EntryType, emptyConfState, type NodeId } from "../../raft/mod.ts";
import type { Origin } from "./bootstrap.ts";
import type { AskForMembers } from "./join.ts";
import { findLostState } from "./lost-state.ts";
import type { MemberOptions } from "./options.ts";

/** Member 1, whose log begins at 20 and noted a snapshot with these voters at 25. A change of membership may be at an index of it. */
function originWith(voters: readonly NodeId[], changeAt?: number): Origin {
  const typeAt = (index: number) => (index === changeAt ? EntryType.EntryConfChange : EntryType.EntryNormal);
  const replay = {
    metadata: { nodeID: 1n, clusterID: 7n },
    snapshots: [{ index: 25, term: 2, confState: { ...emptyConfState(), voters } }],
    entries: Array.from({ length: 10 }, (_, at) => {
      const index = 20 + at;
      return { type: typeAt(index), term: 2, index, data: new Uint8Array(0) };
    }),
  };
  return { id: 1n, clusterId: 7n, initial: [], peers: [], replay } as unknown as Origin;
}

const nobodyAnswers: AskForMembers = async () => {
  throw new Failure("NoPeerAnswers", "nobody answers", "");
};

const options = (initialCluster: Record<string, string>) =>
  ({
    name: "a",
    initialCluster: new Map(Object.entries(initialCluster).map(([name, url]) => [name, [url]])),
    log: () => undefined,
  }) as unknown as MemberOptions;

test("a member without its database starts where its log says it had come, also when nobody it was told of answers", async () => {
  const { lost, peers } = await findLostState(originWith([1n, 2n]), 0, options({ a: "1", b: "2" }), nobodyAnswers);
  expect(lost).toMatchObject({ index: 25, term: 2 });
  expect(peers).toEqual([]);
});

test("who began alone asks nobody, and others may have come since", async () => {
  const asked: unknown[] = [];
  const ask: AskForMembers = async (urls) => asked.push(urls) as never;
  const find = (origin: Origin) => findLostState(origin, 0, options({ a: "1" }), ask);
  expect(await find(originWith([1n, 2n]))).toHaveProperty("lost");
  expect(await find(originWith([1n], 26))).toHaveProperty("lost");
  expect(asked).toEqual([]);
});

test("nobody waits for others who is alone, whatever it was told", async () => {
  for (const origin of [originWith([1n]), originWith([1n], 24)])
    expect(await findLostState(origin, 0, options({ a: "1", b: "2" }), nobodyAnswers)).toBe(origin);
});
