import { Ring } from "../../base/mod.ts";
import type { Entry, HardState, MemoryStorage, Message, RawNode, Ready } from "../../raft/mod.ts";
import { type FailpointName, failpoints } from "../failpoint/mod.ts";
import type { Wal } from "../wal/mod.ts";
import type { Transport } from "./transport.ts";

export interface PersistenceOptions {
  readonly node: RawNode;
  readonly storage: MemoryStorage;
  readonly wal: Wal;
  readonly transport: () => Transport;
  readonly isLeader: () => boolean;
  /** Does what the disk was waited for, then looks what the node wants next. */
  readonly whenDurable: (work: () => void) => void;
  /** Whether a failpoint delays what comes next: then `goOn` does it later, and no other Ready is handled before. */
  readonly holds: (name: FailpointName, goOn: () => void) => boolean;
}

/** A Ready on its way to the disk. */
interface Persisting {
  readonly number: number;
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
  readonly messages: readonly Message[];
  durable: boolean;
}

/**
 * What Raft wants to be durable, on its way to the log, and what is owed when it is there: a vote or an acknowledgement leaves after what it
 * promises is on the disk, and not before all that came before it.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  /** Readies whose entries or votes are not durable yet, in order, and those behind them. */
  readonly #persisting = new Ring<Persisting>();
  /** A newer commit index that waits for the next write: it need not be durable for itself. */
  #lateHardState: HardState | undefined;

  constructor(options: PersistenceOptions) {
    this.#options = options;
  }

  persist(ready: Ready): void {
    const { number, entries, hardState, messagesAfterPersist: messages } = ready;
    const item: Persisting = { number, entries, hardState, messages, durable: !ready.mustSync };
    this.#persisting.push(item);
    if (!ready.mustSync) {
      if (hardState !== undefined) this.#lateHardState = hardState;
      this.#finishPersisted();
      return;
    }
    const written = hardState ?? this.takeLate();
    this.#lateHardState = undefined;
    const durable = () => {
      item.durable = true;
      this.#options.whenDurable(() => this.#finishPersisted());
    };
    this.#options.wal.append(entries, written, () => {
      if (!(failpoints.armed && this.#options.holds("raftAfterSave", durable))) durable();
    });
  }

  /** The commit index that no write has taken along yet, for one that does. */
  takeLate(): HardState | undefined {
    const late = this.#lateHardState;
    this.#lateHardState = undefined;
    return late;
  }

  /** After a while without writes the disk learns what was committed, so that a restart need not wait for a leader. */
  writeLate(): void {
    if (this.#lateHardState !== undefined && this.#persisting.size === 0) this.flush();
  }

  flush(): void {
    const late = this.takeLate();
    if (late !== undefined) this.#options.wal.append([], late);
  }

  #finishPersisted(): void {
    const { isLeader, holds } = this.#options;
    if (failpoints.armed && !isLeader() && holds("raftBeforeFollowerSend", () => this.#announce())) return;
    this.#announce();
  }

  /** What is durable, and nothing before it is not: readable for Raft, announced, and counted. */
  #announce(): void {
    const { node, storage, transport, holds } = this.#options;
    let last = 0;
    for (let item = this.#persisting.peek(); item?.durable; item = this.#persisting.peek()) {
      this.#persisting.shift();
      storage.append(item.entries);
      if (item.hardState !== undefined) storage.setHardState(item.hardState);
      transport().send(item.messages);
      last = item.number;
    }
    if (last === 0) return;
    if (failpoints.armed && holds("raftBeforeAdvance", () => node.persisted(last))) return;
    node.persisted(last);
  }
}
