import { setTimeout as delay } from "node:timers/promises";
import { type Random, seededRandom } from "../../../base/mod.ts";
import { Compactions } from "./compaction.ts";
import { History } from "./history.ts";
import { Load } from "./load.ts";
import { Members, type Placed } from "./members.ts";
import { clientOf, compare, leaderAmong } from "./verdict.ts";

/** What has a member come by a failpoint: a few writes, many, a compaction, or that it lags and is sent a snapshot. */
type Way = "writes" | "many writes" | "compaction" | "snapshot";

/** From the proposal of a write to the moment it is in the database, in about that order; then what else moves the applied state. */
const places: Readonly<Record<string, Way>> = {
  raftBeforeLeaderSend: "writes",
  raftBeforeSave: "writes",
  walBeforeSync: "writes",
  walAfterSync: "writes",
  raftAfterSave: "writes",
  raftBeforeFollowerSend: "writes",
  raftBeforeAdvance: "writes",
  beforeApplyOneEntryNormal: "writes",
  commitBeforePreCommitHook: "writes",
  commitAfterPreCommitHook: "writes",
  beforeCommit: "writes",
  afterCommit: "writes",
  beforeWritebackBuf: "writes",
  afterWritebackBuf: "writes",
  beforeStartDBTxn: "writes",
  afterStartDBTxn: "writes",
  raftBeforeWALSaveSnaphot: "many writes",
  raftAfterWALRelease: "many writes",
  compactBeforeCommitScheduledCompact: "compaction",
  compactAfterCommitScheduledCompact: "compaction",
  compactAfterAcquiredBatchTxLock: "compaction",
  compactBeforeCommitBatch: "compaction",
  compactAfterCommitBatch: "compaction",
  compactBeforeSetFinishedCompact: "compaction",
  compactAfterSetFinishedCompact: "compaction",
  applyBeforeOpenSnapshot: "snapshot",
  applyAfterOpenSnapshot: "snapshot",
  raftBeforeSaveSnap: "snapshot",
  raftAfterSaveSnap: "snapshot",
  raftBeforeApplySnap: "snapshot",
  raftAfterApplySnap: "snapshot",
};

export const failpointPlaces: readonly string[] = Object.keys(places);

export interface FailpointsOptions {
  /** How often each failpoint kills one member, and how often three. */
  readonly cycles: number;
  /** How many are killed at a time: one, three, or by turns. */
  readonly kill?: 1 | 3;
  /** Members of the cluster. */
  readonly size?: number;
  readonly only?: readonly string[];
  readonly seed: number;
  readonly args?: readonly string[];
  /** Ends it after the cycle under way. */
  readonly signal?: AbortSignal;
  say(line: string): void;
}

export interface FailpointsReport {
  readonly cycles: number;
  /** Members that died where they were told to, by failpoint; and how often a failpoint was not come by in time: then a SIGKILL stood in. */
  readonly deaths: Readonly<Record<string, number>>;
  readonly missed: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly violations: readonly string[];
}

/** Small enough that log segments and snapshots come and go all the time. */
const flags = ["--snapshot-count", "200", "--snapshot-catchup-entries", "50", "--heartbeat-interval", "50"];
const timing = ["--election-timeout", "500", "--compaction-batch-limit", "100"];
const missesSnapshot = 400;
/** How long a member may take to come by a failpoint under load. */
const patienceMs = 4000;
/** How long one that starts has to catch up with the load, and how long without. */
const [catchUpMs, startMs] = [10_000, 60_000];

/**
 * Kills members at failpoints, at random moments under load; after each restart compares what is with what was promised. Stops at a violation; that a member does not start
 * again is one.
 */
export async function failpoints(options: FailpointsOptions): Promise<FailpointsReport> {
  const members = await Members.prepare({
    name: "failpoints",
    size: options.size ?? 3,
    args: [...flags, ...timing, ...(options.args ?? [])],
  });
  let soak: FailpointSoak | undefined;
  try {
    await members.start();
    soak = new FailpointSoak(members, options);
    return await soak.run();
  } finally {
    await soak?.end();
    await members.remove();
  }
}

class FailpointSoak {
  readonly #members: Members;
  readonly #options: FailpointsOptions;
  readonly #random: Random;
  readonly #history = new History(1);
  readonly #load: Load;
  readonly #deaths: Record<string, number> = {};
  readonly #missed: Record<string, number> = {};
  readonly #compactions = new Compactions(this.#history);

  constructor(members: Members, options: FailpointsOptions) {
    this.#members = members;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#load = new Load({ history: this.#history, endpoints: members.endpoints, seed: options.seed + 1 });
  }

  end(): Promise<void> {
    return this.#load.stop();
  }

  async run(): Promise<FailpointsReport> {
    const { kill, cycles, only = failpointPlaces, say } = this.#options;
    const sizes = this.#members.all.length === 1 || kill === 1 ? [1] : kill === 3 ? [3] : [1, 3];
    // One round goes by all places, so that whatever time there is, all have had their share.
    const plan = Array.from({ length: cycles }, () =>
      only.flatMap((name) =>
        sizes.filter((size) => size === 1 || places[name] !== "snapshot").map((size) => ({ name, size })),
      ),
    ).flat();
    let done = 0;
    const violations: string[] = [];
    for (const { name, size } of plan) {
      if (this.#options.signal?.aborted) break;
      const what = await this.#cycle(name, size).catch((error: Error) => error);
      if (what instanceof Error) {
        violations.push(`${name}: ${what.message}`);
        break;
      }
      await this.#load.pause();
      violations.push(...(await compare(this.#history, this.#members.endpoints, undefined, this.#random)));
      done++;
      say(`${done}/${plan.length}  ${name}, ${what}; revision ${this.#history.checkedRevision}`);
      if (violations.length > 0) break;
      if (this.#random.below(4) === 0) await this.#compact();
      this.#load.resume();
    }
    const { acknowledged, unknown } = this.#history;
    return { cycles: done, deaths: this.#deaths, missed: this.#missed, acknowledged, unknown, violations };
  }

  async #cycle(name: string, size: number): Promise<string> {
    await delay(this.#random.below(300));
    if (places[name] === "snapshot") return this.#dieInstalling(name);
    const victims = await this.#victims(name, size);
    const terms = places[name] === "writes" ? this.#terms() : "panic";
    await Promise.all(victims.map((victim) => arm(victim, name, terms)));
    if (places[name] === "compaction") await this.#compact();
    const inTime = await Promise.race([
      ...victims.map(({ member }) => member.gone().then(() => true)),
      delay(patienceMs, false),
    ]);
    // Others of them may come by it too; but without a quorum they may never.
    if (victims.length > 1) await delay(this.#random.below(300));
    const died = victims.filter(({ member }) => !member.runs).length;
    this.#count(name, died, inTime);
    await Promise.all(victims.map(({ member }) => member.end()));
    await delay(this.#random.below(400));
    await this.#restart(victims);
    return `${terms}: ${died} of ${victims.length} died there`;
  }

  /** A member that was away for longer than the log keeps dies while it takes the leader's snapshot. */
  async #dieInstalling(name: string): Promise<string> {
    const victim = this.#drawn(this.#members.all);
    await victim.member.end();
    await this.#load.acknowledged(missesSnapshot);
    const started = victim.start({ GOFAIL_FAILPOINTS: `${name}=panic` }).catch(() => undefined);
    const inTime = await Promise.race([victim.member.gone().then(() => true), delay(3 * patienceMs, false)]);
    this.#count(name, inTime ? 1 : 0, inTime);
    await victim.member.end();
    await started;
    await this.#restart([victim]);
    return inTime ? "died installing a snapshot" : "got no snapshot";
  }

  /** Under load. But one that starts slowly may never catch up: with flags such as these the log is gone before a snapshot has come. */
  async #restart(victims: readonly Placed[]): Promise<void> {
    const started = Promise.all(victims.map((victim) => victim.start()));
    if (await Promise.race([started.then(() => true), delay(catchUpMs, false)])) return;
    await this.#load.pause();
    if (await Promise.race([started.then(() => true), delay(startMs, false)])) return;
    throw new Error(`not started after ${(catchUpMs + startMs) / 1000} s: ${victims.map(({ member }) => member.name)}`);
  }

  #count(name: string, died: number, inTime: boolean): void {
    this.#deaths[name] = (this.#deaths[name] ?? 0) + died;
    if (!inTime) this.#missed[name] = (this.#missed[name] ?? 0) + 1;
  }

  /** At once, some time later, or after a certain number of passes. */
  #terms(): string {
    const dice = this.#random.below(3);
    if (dice === 0) return "panic";
    return dice === 1 ? "20%panic" : `${1 + this.#random.below(8)}*off->panic`;
  }

  async #victims(name: string, size: number): Promise<Placed[]> {
    const { all } = this.#members;
    if (size > 1 || all.length === 1) return [...all];
    const leads = name === "raftBeforeLeaderSend";
    if (!leads && name !== "raftBeforeFollowerSend") return [this.#drawn(all)];
    const leader = await this.#leader();
    return [this.#drawn(all.filter((_, at) => (at === leader) === leads))];
  }

  async #leader(): Promise<number> {
    const clients = this.#members.endpoints.map((endpoint) => clientOf(endpoint, undefined));
    try {
      for (;;) {
        const leader = await leaderAmong(clients);
        if (leader !== undefined) return leader;
        await delay(20);
      }
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  }

  #compact(): Promise<void> {
    return this.#compactions.next(this.#drawn(this.#members.all).member.clientUrl);
  }

  #drawn(among: readonly Placed[]): Placed {
    return among[this.#random.below(among.length)] as Placed;
  }
}

/** A member may be gone before it has answered. */
async function arm({ failpoints: url, member }: Placed, name: string, terms: string): Promise<void> {
  const answer = await fetch(`${url}${name}`, { method: "PUT", body: terms }).catch(() => undefined);
  if (answer !== undefined && answer.status !== 204)
    throw new Error(`${member.name} refuses ${name}=${terms}: ${answer.status}`);
}
