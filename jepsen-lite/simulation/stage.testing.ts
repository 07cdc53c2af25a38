import type { EtcdClient } from "../../kvstore/client/mod.ts";
import { Chance } from "./chance.ts";
import { Cluster } from "./cluster.ts";
import { type Machine, Process } from "./machine.ts";
import { drawParameters, type StoreParameters } from "./parameters.ts";
import { Timeline } from "./timeline.ts";

const second = 1_000_000;

/** A cluster in virtual time for scenarios that say themselves what happens: nothing breaks that they do not break. */
export class Stage {
  readonly cluster: Cluster;
  readonly client: EtcdClient;

  private constructor(members: number, store: Partial<StoreParameters>) {
    const chance = new Chance(1);
    const drawn = drawParameters(chance.split("parameters"));
    const parameters = {
      ...drawn,
      members,
      store: { ...drawn.store, heartbeatMs: 100, electionMs: 1000, preVote: true, autoPromote: false, ...store },
      network: { ...drawn.network, lossPercent: 0, doubledPercent: 0, clogPerMillion: 0, inOrder: true },
      disk: { ...drawn.disk, stallPerMillion: 0 },
      faults: new Map(),
    };
    this.cluster = new Cluster({ timeline: new Timeline(), chance, parameters });
    this.client = this.cluster.client().client;
    this.cluster.begin();
  }

  /** So many members, one of which leads. */
  static async of(members: number, store: Partial<StoreParameters> = {}): Promise<Stage> {
    const stage = new Stage(members, store);
    await stage.pass(30, () => stage.cluster.leader !== undefined);
    await stage.pass(3);
    return stage;
  }

  get members(): readonly Machine[] {
    return this.cluster.members;
  }

  /** Lets so many seconds pass. Raft's properties are looked after. */
  pass(seconds: number, enough?: () => boolean): Promise<void> {
    const { timeline, ledger } = this.cluster;
    const observer = (owner: unknown) => {
      if (owner instanceof Process) ledger.look(owner);
    };
    return timeline.run(timeline.nowUs + seconds * second, observer, enough);
  }

  /** Lets time pass until the work is done; rejects if that takes longer than half a minute. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const finished = work.finally(() => {
      isDone = true;
    });
    finished.catch(() => undefined); // whoever waits hears of it
    await this.pass(30, () => isDone);
    if (!isDone) throw new Error("the work is not done after 30 s");
    return finished;
  }

  /** Lets time pass until all members have applied the same. */
  async settled(): Promise<void> {
    const applied = () => new Set(this.members.map(({ local }) => local?.member.applied));
    await this.pass(30, () => applied().size === 1 && !applied().has(undefined));
  }
}
