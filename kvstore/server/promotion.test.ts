import { expect, test } from "vitest";
import { seededRandom } from "../../base/mod.ts";
import { raftpb } from "../../proto/mod.ts";
import { EntryType, emptyConfState, MemoryStorage, RawNode } from "../../raft/mod.ts";
import { EntryApplier, type EntryApplierOptions } from "./entry-applier.ts";
import { encodePromotions, Membership } from "./membership.ts";

/** Member 1, a voter, with the learners 2 and 3: what applying entries does to its membership, and to Raft's. */
class Applied {
  readonly settled = new Map<bigint, unknown>();
  readonly node: RawNode;
  readonly membership: Membership;
  readonly #applier: EntryApplier;
  #index = 1;

  constructor() {
    const disk = new Map<string, Uint8Array>();
    this.membership = new Membership({
      get: (bucket, key) => disk.get(`${bucket}/${key}`),
      put: (bucket, key, value) => disk.set(`${bucket}/${key}`, value),
      delete: (bucket, key) => disk.delete(`${bucket}/${key}`),
    });
    for (const id of [1n, 2n, 3n]) {
      this.membership.add({ id, name: `m${id}`, peerUrls: [`http://m${id}:1`], clientUrls: [], isLearner: id !== 1n });
    }
    const confState = { ...emptyConfState(), voters: [1n], learners: [2n, 3n] };
    const storage = new MemoryStorage();
    this.node = new RawNode({ id: 1n, storage, random: seededRandom(1), confState });
    const seams: Pick<EntryApplierOptions, "membership" | "applyConfChange" | "settle"> = {
      membership: this.membership,
      applyConfChange: (change, index) => this.node.applyConfChange(change, index),
      settle: (id, outcome) => this.settled.set(id, outcome),
    };
    const state = { store: { setApplied: () => undefined } };
    const metrics = { applySeconds: { with: () => undefined } };
    this.#applier = new EntryApplier({ ...seams, state: () => state, metrics } as unknown as EntryApplierOptions);
  }

  apply(data: Uint8Array): void {
    this.#applier.apply({ type: EntryType.EntryConfChangeV2, term: 1, index: this.#index++, data });
  }

  promote(request: bigint, ...ids: bigint[]): void {
    const transition = raftpb.ConfChangeTransition.ConfChangeTransitionJointImplicit;
    const changes = ids.map((nodeId) => ({ type: raftpb.ConfChangeType.ConfChangeAddNode, nodeId }));
    this.apply(raftpb.ConfChangeV2.encode({ transition, changes, context: encodePromotions(request) }));
  }

  get learners(): bigint[] {
    return this.membership.members.filter(({ isLearner }) => isLearner).map(({ id }) => id);
  }
}

test("two learners become voters in one step, with both majorities deciding until Raft leaves the joint configuration", () => {
  const applied = new Applied();
  applied.promote(77n, 2n, 3n);
  expect(applied.learners).toEqual([]);
  expect(applied.node.confState).toMatchObject({ voters: [1n, 2n, 3n], votersOutgoing: [1n], autoLeave: true });
  expect(applied.settled.get(77n)).toEqual(applied.membership.members);
  applied.apply(new Uint8Array(0));
  expect(applied.node.confState).toEqual({ ...emptyConfState(), voters: [1n, 2n, 3n] });
  expect(applied.membership.confState).toEqual(applied.node.confState);
});

test("who is no learner any more when the change is applied is left out of it", () => {
  const applied = new Applied();
  applied.membership.remove(2n);
  applied.promote(78n, 2n, 3n);
  expect([applied.learners, applied.membership.member(2n)]).toEqual([[], undefined]);
  expect(applied.node.confState).toMatchObject({ voters: [1n, 3n], votersOutgoing: [1n] });
  applied.apply(new Uint8Array(0));
  expect(applied.node.confState.votersOutgoing).toEqual([]);
});
