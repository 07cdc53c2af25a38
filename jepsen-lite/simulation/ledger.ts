import { crc32c } from "@node-rs/crc32";
import { type Entry, type Message, MessageType, type Term } from "../../raft/mod.ts";
import { hold } from "./hold.ts";
import type { Machine, Process } from "./machine.ts";

interface Committed {
  readonly term: Term;
  readonly content: number;
  /** A leader of this term or an earlier one committed it. */
  readonly byTerm: Term;
}

/** What was last seen of a process. */
interface Seen {
  term: Term;
  committed: number;
  applied: number;
  ledTerm: Term;
}

/**
 * What all members together have ever done, over all crashes: where the properties of Figure 3 of the Raft paper are checked, and those
 * that make acknowledgements true. It looks at members from outside after every event, and at disks, not at what members say of them.
 */
export class Ledger {
  /** The entries with which every member of a new cluster begins: nobody voted for them. */
  readonly #founding: number;
  readonly #leaders = new Map<Term, string>();
  readonly #committed = new Map<number, Committed>();
  readonly #seen = new Map<Process, Seen>();
  /** Members by id, for their disks. Ids are never used again. */
  readonly #machineOf = new Map<bigint, Machine>();
  #highest = 0;
  /** How often something was looked at, so that a ledger that never looks is noticed. */
  readonly counts = { leaders: 0, committed: 0, told: 0 };

  constructor(founding: number) {
    this.#founding = founding;
  }

  get highest(): number {
    return this.#highest;
  }

  /** A member has its log open again; what it found there is on its disk. */
  started(process: Process): void {
    const { machine, local } = process;
    if (local === undefined) return;
    const { member } = local;
    this.#machineOf.set(member.id, machine);
    if (machine.isDamaged) machine.log.forget();
    machine.log.found(member.host.storage);
  }

  /** Looks at a process after something happened to it. */
  look(process: Process): void {
    const member = process.local?.member;
    if (member === undefined || !process.alive) return;
    const { name } = process.machine;
    const { node, applied } = member.host;
    const { term, committed, role } = node;
    let seen = this.#seen.get(process);
    if (seen === undefined) {
      seen = { term: 0, committed: 0, applied: 0, ledTerm: 0 };
      this.#seen.set(process, seen);
    }
    if (seen.term === term && seen.committed === committed && seen.applied === applied && role !== "leader") return;
    hold(term >= seen.term, "terms never go back", () => `${name}: ${seen.term}, then ${term}`);
    hold(
      committed >= seen.committed,
      "the commit index never goes back",
      () => `${name}: ${seen.committed}, then ${committed}`,
    );
    hold(applied >= seen.applied, "what is applied never goes back", () => `${name}: ${seen.applied}, then ${applied}`);
    hold(applied <= committed, "only what is committed is applied", () => `${name} applied ${applied} of ${committed}`);
    seen.term = term;
    seen.committed = committed;
    seen.applied = applied;
    if (role === "leader" && seen.ledTerm !== term) {
      seen.ledTerm = term;
      this.#leads(process, term);
    }
  }

  forget(process: Process): void {
    this.#seen.delete(process);
  }

  #leads(process: Process, term: Term): void {
    const { machine, local } = process;
    const { name } = machine;
    const id = local!.member.id.toString(16);
    this.counts.leaders++;
    const other = this.#leaders.get(term);
    hold(
      other === undefined || other === id,
      "election safety",
      () => `${id} (${name}) and ${other} both lead term ${term}`,
    );
    this.#leaders.set(term, id);
    hold(
      machine.isDamaged || (machine.log.hardTerm === term && machine.log.vote === local!.member.id),
      "a leader's own vote is durable",
      () => `${name} leads term ${term}, its disk has term ${machine.log.hardTerm}`,
    );
    const { host } = local!.member;
    const { lastIndex } = host.node.status();
    for (let index = this.#highest; index > 0; index--) {
      const committed = this.#committed.get(index);
      if (committed === undefined || committed.byTerm >= term) continue;
      hold(
        lastIndex >= index,
        "leader completeness",
        () => `${name} leads term ${term} with a log up to ${lastIndex}, ${committed.term}/${index} is committed`,
      );
      // What the own vote waited for is durable; undefined is what was compacted since.
      const own = host.storage.term(index);
      hold(
        own === undefined || own === committed.term,
        "leader completeness",
        () => `${name} leads term ${term} with ${own}/${index} where ${committed.term}/${index} is committed`,
      );
      // By log matching, having this one means having all before it.
      return;
    }
  }

  /** A member applies an entry: it is committed, and the same everywhere. */
  applies(process: Process, entry: Entry): void {
    const { name } = process.machine;
    const content = (crc32c(entry.data) * 4 + entry.type) | 0;
    const known = this.#committed.get(entry.index);
    if (known === undefined) {
      const term = process.local?.member.host.node.term ?? Number.POSITIVE_INFINITY;
      this.#committed.set(entry.index, { term: entry.term, content, byTerm: term });
      this.#highest = Math.max(this.#highest, entry.index);
      this.counts.committed++;
      this.#isDurable(process, entry);
      return;
    }
    hold(
      known.term === entry.term && known.content === content,
      "state machine safety",
      () =>
        `${name} applies ${entry.term}/${entry.index} (${content}), others ${known.term}/${entry.index} (${known.content})`,
    );
  }

  #isDurable(process: Process, { index, term }: Entry): void {
    const member = process.local?.member;
    if (member === undefined || index <= this.#founding) return;
    const { voters, votersOutgoing } = member.host.node.confState;
    for (const half of [voters, votersOutgoing]) {
      if (half.length === 0) continue;
      const durable = half.filter((id) => this.#machineOf.get(id)?.log.has(index, term));
      // The leader may have counted by the configuration before: one member more or less.
      hold(
        durable.length * 2 > half.length - 1,
        "committed is durable on a quorum",
        () => `${process.machine.name} applies ${term}/${index}, durable on ${durable.length} of ${half.length}`,
      );
    }
  }

  /** A message leaves: what others may build on must not be forgotten in a crash. */
  tells(process: Process, message: Message): void {
    const { machine } = process;
    const { log, name } = machine;
    if (machine.isDamaged || process.local === undefined) return;
    const { type, term, index, reject } = message;
    if (type === MessageType.MsgAppResp && !reject) {
      this.counts.told++;
      hold(log.hardTerm >= term, "a term is durable before it is told", () => `${name} acknowledges in term ${term}`);
      if (log.hardTerm === term) {
        hold(
          log.last >= index,
          "entries are durable before they are told",
          () => `${name} acknowledges ${index} of ${log.last}`,
        );
      }
    } else if (type === MessageType.MsgVoteResp && !reject) {
      this.counts.told++;
      const isDurable = log.hardTerm > term || (log.hardTerm === term && log.vote === message.to);
      hold(isDurable, "a vote is durable before it is told", () => `${name} votes in term ${term}`);
    }
  }
}
