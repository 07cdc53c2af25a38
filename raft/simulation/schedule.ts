import { type Random, seededRandom } from "../../base/mod.ts";
import type { RaftOptions, ReadOnlyOption } from "../config.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  EntryType,
  emptyConfState,
  type Index,
  type Message,
  MessageType,
  type NodeId,
  noBytes,
  type Snapshot,
} from "../types.ts";
import { SimulatedDisk } from "./disk.ts";
import { Ledger } from "./ledger.ts";
import { SimulatedMember, type World } from "./member.ts";
import { SimulatedNetwork } from "./network.ts";
import { Payloads } from "./payload.ts";

export interface ScheduleOptions {
  readonly seed: number;
  /** Voters at the start. Default 5. */
  readonly members?: number;
  /** Things that happen before the faults are healed. Default 12000. */
  readonly steps?: number;
  /** Default `safe`. Time passes at every member as it likes here: more than `lease` can stand. */
  readonly readOnly?: ReadOnlyOption;
  /** Of 100 times that a node has something to hand out, it is asked. Default: drawn. */
  readonly readyPercent?: number;
  /** Takes messages on their way. Default: `network`, which hands them out in any order. */
  readonly travel?: (m: Message) => void;
}

const spares = 2;
const startIndex: Index = 1;

/**
 * One random history of a cluster: everything that can happen to a member, its disk, its state machine and its messages
 * happens in an order drawn from the seed, and the properties are checked after each step. How often what happens, and how
 * the nodes are configured, is drawn per schedule: rare combinations get schedules of their own.
 */
export class Schedule implements World {
  readonly random: Random;
  readonly ledger = new Ledger(startIndex);
  readonly payloads = new Payloads();
  readonly reads = new Map<number, Index>();
  readonly options: Omit<RaftOptions, "id" | "storage" | "random">;
  readonly #priorities: readonly number[];
  readonly network: SimulatedNetwork;
  readonly members: readonly SimulatedMember[];
  readonly #byId = new Map<NodeId, SimulatedMember>();
  /** Actions, each as often as its weight. */
  readonly #actions: readonly ((member: SimulatedMember) => void)[];
  /** Of 100 times that a node has something to hand out. */
  readonly #readyPercent: number;
  readonly #steps: number;
  readonly #travel: (m: Message) => void;

  constructor({ seed, members = 5, steps = 12000, readOnly = "safe", readyPercent, travel }: ScheduleOptions) {
    this.random = seededRandom(seed);
    this.#steps = steps;
    this.#travel = travel ?? ((m) => this.network.send(m));
    const options = this.#drawOptions();
    this.options = { ...options, readOnly, checkQuorum: options.checkQuorum || readOnly === "lease" };
    this.#priorities = this.#oneOf([[0], [0, 0, 1], [0, 1, 2, 3]]);
    this.network = new SimulatedNetwork(this.random, (m) => this.lost(m));
    const drawnPercent = this.#oneOf([100, 100, 70, 30]);
    this.#readyPercent = readyPercent ?? drawnPercent;
    const ids = Array.from({ length: members + spares }, (_, i) => BigInt(i + 1));
    const founding = snapshotOf(ids.slice(0, members));
    const empty = snapshotOf([]);
    this.members = ids.map((id, i) => {
      const member = new SimulatedMember(this, id, new SimulatedDisk(i < members ? founding : empty));
      this.#byId.set(id, member);
      return member;
    });
    this.#actions = this.#drawActions();
  }

  #drawOptions(): Omit<RaftOptions, "id" | "storage" | "random"> {
    const maxMessageBytes = this.#oneOf([1, 60, 200, 100_000]);
    return {
      electionTicks: 3 + this.random.below(5),
      heartbeatTicks: 1 + this.random.below(2),
      preVote: this.random.below(5) > 0,
      checkQuorum: this.random.below(5) > 0,
      maxMessageBytes,
      maxApplyingBytes: this.#oneOf([1, 100, 100_000]),
      maxUncommittedBytes: this.#oneOf([100, Number.POSITIVE_INFINITY]),
      maxInflightMessages: this.#oneOf([1, 2, 8, 256]),
      maxInflightBytes: this.#oneOf([maxMessageBytes + 100, Number.POSITIVE_INFINITY]),
      snapshotTicks: 20,
      stalledDiskTicks: this.#oneOf([2, 10, 100]),
    };
  }

  #drawActions(): ((member: SimulatedMember) => void)[] {
    const weighted: readonly [weights: readonly number[], action: (member: SimulatedMember) => void][] = [
      [[400, 800], () => this.#deliver()],
      [[100, 200, 300], (member) => this.#tick(member)],
      [[150, 500], (member) => member.isWriting && !member.diskHangs && member.finishWrite()],
      [[0, 0, 3], (member) => member.hangDisk()],
      [[5, 20], (member) => member.releaseDisk()],
      [[150, 500], (member) => member.isApplying && member.apply()],
      [[20, 60], (member) => this.propose(this.leaderOr(member))],
      [[0, 10, 40], (member) => this.read(this.leaderOr(member))],
      [[0, 1, 4], (member) => this.crash(member)],
      [[15, 50], (member) => member.node ?? member.start()],
      [[0, 1, 4], () => this.partition()],
      [[2, 5], () => this.network.heal()],
      [[0, 2, 8], (member) => member.node?.campaign()],
      [[0, 2, 6], (member) => member.node?.transferLeader(this.#anybody().id)],
      [[0, 3, 10], (member) => this.changeMembership(member)],
      [[0, 2, 10], (member) => member.node && member.compact()],
      [[0, 2], (member) => member.node?.reportUnreachable(this.#anybody().id)],
      [[0, 0, 3], (member) => member.node?.forgetLeader()],
      [[0, 0, 2], (member) => member.requestSnapshot()],
    ];
    return weighted.flatMap(([weights, action]) => new Array(this.#oneOf(weights)).fill(action));
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)] as T;
  }

  #anybody(): SimulatedMember {
    return this.#oneOf(this.members);
  }

  /** Mostly somebody who takes itself for the leader: there may be more than one. */
  leaderOr(member: SimulatedMember): SimulatedMember {
    const leaders = this.members.filter(({ node }) => node?.role === "leader");
    return leaders.length === 0 || this.random.below(4) === 0 ? member : this.#oneOf(leaders);
  }

  priority(id: NodeId): number {
    return this.#priorities[Number(id) % this.#priorities.length] as number;
  }

  disk(id: NodeId): SimulatedDisk | undefined {
    return this.#byId.get(id)?.disk;
  }

  send(m: Message): void {
    this.#travel(m);
  }

  /** The time of faults. */
  run(): void {
    for (let step = 0; step < this.#steps; step++) {
      const member = this.#anybody();
      this.#oneOf(this.#actions)(member);
      this.settle(member);
    }
  }

  /** Checks the member after something was done to it; its host may take what it has to hand out. */
  settle(member: SimulatedMember, percent = this.#readyPercent): void {
    member.observe();
    if (member.canTakeReady && this.random.below(100) < percent) {
      member.observe();
      member.takeReady();
    }
  }

  #deliver(): void {
    // A network that carries less than is sent would only ever show the past.
    for (let budget = 1 + this.network.size / 40; budget >= 1 && this.network.size > 0; budget--) {
      const m = this.network.take();
      if (m !== undefined) this.receive(m);
    }
  }

  /** Gives who has got it; undefined if that is not there. */
  receive(m: Message): SimulatedMember | undefined {
    const member = this.#byId.get(m.to) as SimulatedMember;
    if (member.node === undefined) {
      this.lost(m);
      return undefined;
    }
    member.node.step(m);
    this.settle(member);
    if (m.type === MessageType.MsgSnap && this.random.below(4) > 0)
      this.#byId.get(m.from)?.node?.reportSnapshot(m.to, true);
    return member;
  }

  /** Hosts report lost snapshots; mostly. */
  lost(m: Message): void {
    if (m.type !== MessageType.MsgSnap || this.random.below(4) === 0) return;
    this.#byId.get(m.from)?.node?.reportSnapshot(m.to, false);
  }

  #tick(member: SimulatedMember): void {
    member.node?.tick();
  }

  /** One to three entries. */
  propose(member: SimulatedMember): void {
    const batch = Array.from({ length: 1 + this.random.below(3) }, () => this.payloads.next());
    member.node?.proposeBatch(batch);
    this.settle(member);
  }

  read(member: SimulatedMember): void {
    member.readIndex();
    this.settle(member);
  }

  /** Ends a member in the middle of what it does; now and then all of them. */
  crash(member: SimulatedMember): void {
    if (member.node !== undefined) member.crash();
    if (this.random.below(10) > 0) return;
    for (const other of this.members) if (other.node !== undefined) other.crash(); // the power fails
  }

  /** Cuts links, in one of the shapes that partitions have. */
  partition(): void {
    const isCut = this.#drawPartition();
    for (const { id: from } of this.members) {
      for (const { id: to } of this.members) if (from !== to && isCut(from, to)) this.network.cut(from, to);
    }
  }

  #drawPartition(): (from: NodeId, to: NodeId) => boolean {
    const [one, another] = [this.#anybody().id, this.#anybody().id];
    const leader = this.members.find(({ node }) => node?.role === "leader")?.id ?? one;
    const side = new Set(this.members.filter(() => this.random.below(2) === 0).map(({ id }) => id));
    const partitions: readonly ((from: NodeId, to: NodeId) => boolean)[] = [
      (from, to) => from === one || to === one, // one alone
      (from, to) => side.has(from) !== side.has(to), // two sides
      (from) => from === one, // one heard by nobody
      (_, to) => to === one, // one hears nobody
      (from, to) => (from === one && to === another) || (from === another && to === one), // two do not hear each other
      (from, to) => (from === leader || from === another) !== (to === leader || to === another), // a leader with few
      (from, to) => from === leader && to !== another, // a leader heard by few
    ];
    return this.#oneOf(partitions);
  }

  /** Proposes a change of who votes, simple or joint; of a joint one, to leave it. */
  changeMembership(member: SimulatedMember): void {
    const { node, confState } = member;
    if (node === undefined) return;
    const joint = this.random.below(3) === 0;
    if (confState.votersOutgoing.length > 0) {
      const leave = { transition: ConfChangeTransition.ConfChangeTransitionAuto, changes: [], context: noBytes };
      node.proposeConfChange(leave, EntryType.EntryConfChangeV2, noBytes);
      return;
    }
    const changes = Array.from({ length: joint ? 1 + this.random.below(3) : 1 }, () => ({
      type: this.#oneOf([
        ConfChangeType.ConfChangeAddNode,
        ConfChangeType.ConfChangeAddNode,
        ConfChangeType.ConfChangeAddLearnerNode,
        ConfChangeType.ConfChangeRemoveNode,
      ]),
      nodeId: this.#anybody().id,
    }));
    const removed = changes.filter(({ type }) => type !== ConfChangeType.ConfChangeAddNode).length;
    if (confState.voters.length - removed < 2) return;
    const transition = joint
      ? this.#oneOf([
          ConfChangeTransition.ConfChangeTransitionJointImplicit,
          ConfChangeTransition.ConfChangeTransitionJointExplicit,
        ])
      : ConfChangeTransition.ConfChangeTransitionAuto;
    const change = { transition, changes, context: noBytes };
    node.proposeConfChange(change, EntryType.EntryConfChangeV2, this.payloads.change(change));
  }
}

function snapshotOf(voters: NodeId[]): Snapshot {
  const index = voters.length === 0 ? 0 : startIndex;
  return { data: noBytes, metadata: { confState: { ...emptyConfState(), voters }, index, term: index === 0 ? 0 : 1 } };
}
