import { seededRandom } from "../../base/mod.ts";
import { raftpb } from "../../proto/mod.ts";
import { type ConfChangeType, EntryType, emptyConfState, MemoryStorage, RawNode } from "../../raft/mod.ts";
import { EntryApplier, type EntryApplierOptions } from "./entry-applier.ts";
import { encodeMemberChange, encodePromotions, type MemberChange, Membership } from "./membership.ts";

/** Member 1, a voter, with the learners 2 and 3: what applying entries does to its membership, and to Raft's. */
export class Applied {
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

  apply(data: Uint8Array, type: EntryType = EntryType.EntryConfChangeV2): void {
    this.#applier.apply({ type, term: 1, index: this.#index++, data });
  }

  /** What `id` asked for; what came of it is `settled`. */
  change(id: bigint, type: ConfChangeType, nodeId: bigint, change: MemberChange): void {
    this.apply(
      raftpb.ConfChange.encode({ id, type, nodeId, context: encodeMemberChange(change) }),
      EntryType.EntryConfChange,
    );
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
