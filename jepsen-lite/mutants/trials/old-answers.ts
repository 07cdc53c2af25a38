import { type Random, seededRandom } from "../../../base/mod.ts";
import { emptyConfState, MemoryStorage, type Message, MessageType, RawNode } from "../../../raft/mod.ts";
import type { Caught } from "../bug.ts";

const ids = [1n, 2n, 3n, 4n, 5n];
const electionTicks = 5;

/** Raft's nodes, and what they have said that is kept from arriving, or arrives once more later. */
class Group {
  readonly nodes = new Map<bigint, RawNode>();
  readonly reads: { readonly id: bigint; readonly index: number; readonly context: number }[] = [];
  readonly #storages = new Map<bigint, MemoryStorage>();

  constructor(random: Random) {
    const confState = { ...emptyConfState(), voters: ids };
    for (const id of ids) {
      const storage = new MemoryStorage();
      this.#storages.set(id, storage);
      this.nodes.set(id, new RawNode({ id, storage, random, confState, electionTicks }));
    }
  }

  node(id: bigint): RawNode {
    return this.nodes.get(id) as RawNode;
  }

  /** Until nobody has anything more to say that `arrives`. */
  settle(arrives: (message: Message) => boolean): void {
    for (;;) {
      const said = ids.flatMap((id) => this.#takeFrom(id));
      if (said.length === 0) return;
      for (const message of said) if (arrives(message)) this.node(message.to).step(message);
    }
  }

  #takeFrom(id: bigint): readonly Message[] {
    const node = this.node(id);
    if (!node.hasReady()) return [];
    const ready = node.ready();
    const storage = this.#storages.get(id) as MemoryStorage;
    storage.append(ready.entries);
    if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
    node.advance(ready);
    for (const { index, context } of ready.readStates) this.reads.push({ id, index, context: context[0] as number });
    return [...ready.messages, ...ready.messagesAfterPersist];
  }
}

/**
 * A leader asks its followers whether it still leads; some of their answers are on their way for so long that others elect another leader
 * meanwhile, which commits something. Then they arrive at who led, who has been asked for a read in between.
 */
export async function trial(seed: number): Promise<readonly Caught[]> {
  const random = seededRandom(seed);
  const group = new Group(random);
  group.node(1n).campaign();
  group.settle(() => true);
  group.node(1n).propose(Uint8Array.of(1));
  group.settle(() => true);

  const late: Message[] = [];
  group.node(1n).readIndex(Uint8Array.of(1));
  group.settle((message) => {
    if (message.type !== MessageType.MsgHeartbeatResp || random.below(4) === 0) return true;
    late.push(message);
    return random.below(4) === 0;
  });

  const isCut = ({ from, to }: Message) => (from === 1n) !== (to === 1n);
  for (let tick = 0; tick < 6 * electionTicks; tick++) {
    for (const id of ids) if (id !== 1n) group.node(id).tick();
    group.settle((message) => !isCut(message));
  }
  const leader = ids.find((id) => id !== 1n && group.node(id).role === "leader");
  if (leader === undefined) return [];
  group.node(leader).propose(Uint8Array.of(2));
  group.settle((message) => !isCut(message));
  const { committed } = group.node(leader);

  group.node(1n).readIndex(Uint8Array.of(2));
  group.settle((message) => !isCut(message));
  for (const message of late) group.node(1n).step(message);
  group.settle((message) => !isCut(message));
  const stale = group.reads.find(({ context, index }) => context === 2 && index < committed);
  if (stale === undefined) return [];
  const what = `a read at ${stale.id} began when ${committed} was committed, and may be answered at ${stale.index}`;
  return [{ by: "linearizable reads", what }];
}
