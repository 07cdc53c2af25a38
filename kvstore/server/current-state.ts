import { Deferred, type Log } from "../../base/mod.ts";
import type { Snapshot } from "../../raft/mod.ts";
import { type Auth, readAuthRecords } from "../auth/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import { installState, type State, type StateOptions } from "../mvcc/mod.ts";
import type { Alarms } from "./alarms.ts";
import { Membership } from "./membership.ts";
import type { Snapshots } from "./snapshots.ts";

export interface CurrentStateOptions {
  readonly state: State;
  /** Nothing is applied, and nobody served, before a snapshot has come. */
  readonly isLost: boolean;
  readonly stateOptions: StateOptions & { readonly metrics: MemberMetrics };
  readonly alarms: Alarms;
  readonly auth: Auth;
  readonly log: Log;
}

/** The state of a member, and the one that a snapshot puts in its place: the only moment at which it does not follow from entries. */
export class CurrentState {
  readonly membership: Membership;
  readonly #options: CurrentStateOptions;
  readonly #listeners: ((state: State) => void)[] = [];
  readonly #found = new Deferred<void>();
  #state: State;
  #isLost: boolean;

  constructor(options: CurrentStateOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#isLost = options.isLost;
    if (!options.isLost) this.#found.resolve();
    this.membership = new Membership({
      get: (bucket, key) => this.#state.backend.get(bucket, key),
      put: (bucket, key, value) => this.#state.backend.put(bucket, key, value),
      delete: (bucket, key) => this.#state.backend.delete(bucket, key),
    });
  }

  get now(): State {
    return this.#state;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Resolves when there is one to serve from. */
  get found(): Promise<void> {
    return this.#found.promise;
  }

  /** Called when a snapshot has put another state in place, before anything is applied to it. */
  onReplaced(listener: (state: State) => void): void {
    this.#listeners.push(listener);
  }

  /** Becomes the staged snapshot, all of it or nothing even across a crash. */
  async install(snapshot: Snapshot, snapshots: Snapshots): Promise<void> {
    const { stateOptions, auth, alarms, log } = this.#options;
    const { metrics } = stateOptions;
    const previous = this.#state;
    metrics.snapshotApplying.value = 1;
    if (failpoints.armed) await failpoints.pause("applyBeforeOpenSnapshot");
    const stage = Buffer.from(snapshot.data).toString();
    const state = await installState(stateOptions, snapshots.staged(stage));
    const { index, term } = snapshot.metadata;
    log("info", "applySnapshot: opened snapshot backend", { "snapshot-index": index, "snapshot-term": term });
    if (failpoints.armed) await failpoints.pause("applyAfterOpenSnapshot");
    // Keys and rights change in one turn: nobody reads the new keys with the old rights.
    const authRecords = await readAuthRecords(state.backend);
    previous.lessor.demote();
    this.#state = state;
    auth.restore(state.backend, authRecords);
    this.membership.load();
    await alarms.reload(state.backend);
    for (const listener of this.#listeners) listener(state);
    await previous.backend.close();
    await snapshots.installed(snapshot);
    metrics.snapshotApplying.value = 0;
    this.#isLost = false;
    this.#found.resolve();
  }
}
