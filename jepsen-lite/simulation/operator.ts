import { type Clock, pause } from "../../base/mod.ts";
import { type EtcdClient, EtcdError } from "../../kvstore/client/mod.ts";
import type { MemberAddResponse } from "../../proto/mod.ts";
import type { Json } from "../history/mod.ts";
import type { Chance } from "./chance.ts";
import type { Cluster } from "./cluster.ts";
import type { Machine, Process } from "./machine.ts";

/** Between the steps of one change: it may be under way when faults end, and then has to come to its end as all else. */
const longestWaitMs = 10_000;

/** Who looks after the cluster with a client of its own: adds, removes and replaces members, one at a time, as careful operators do. */
export class Operator {
  readonly #cluster: Cluster;
  readonly #client: EtcdClient;
  readonly #clock: Process["clock"];
  #changing = false;
  /** Removals of which nobody knows whether they will yet be carried out. */
  #uncertain = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    const { client, clock } = cluster.client();
    this.#client = client;
    this.#clock = clock;
  }

  get client(): EtcdClient {
    return this.#client;
  }

  get clock(): Clock {
    return this.#clock;
  }

  /** Who the members are may be about to change. */
  get isChanging(): boolean {
    return this.#changing || this.#uncertain > 0;
  }

  /** What an operator asks for may fail. */
  ask(work: () => Promise<unknown>): Json {
    work().catch((error: unknown) => {
      if (!(error instanceof EtcdError)) this.#cluster.timeline.fail(error);
    });
    return {};
  }

  /** Undefined: another change is under way. */
  change(change: () => Promise<unknown>): Json | undefined {
    if (this.#changing) return undefined;
    this.#changing = true;
    return this.ask(() =>
      change().finally(() => {
        this.#changing = false;
      }),
    );
  }

  /** Resolves when these machines, asked alone, have written something and read that nobody is ahead of them. */
  async isServedBy(machines: readonly Machine[]): Promise<void> {
    const { client, clock } = this.#cluster.client(machines);
    for (;;) {
      try {
        await client.lease.grant(3600);
        await client.kv.range({ key: Buffer.from("nothing") });
        return;
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
      }
      await pause(clock, 100);
    }
  }

  async compact(chance: Chance): Promise<void> {
    const { header } = await this.#client.kv.range({ key: Buffer.from("nothing") });
    const revision = Math.max(1, (header?.revision ?? 1) - chance.below(20));
    await this.#client.kv.compact({ revision, physical: chance.percent(30) });
  }

  async add(chance: Chance): Promise<void> {
    const spare = this.#cluster.machines.find((one) => !one.isMember && !one.isUp);
    if (spare === undefined) return;
    const asLearner = chance.percent(60);
    this.#cluster.wipe(spare);
    const { member } = await this.#startWith(spare, asLearner);
    if (!asLearner || member === undefined) return;
    await this.#waitAWhile(chance);
    await this.#client.cluster.memberPromote(member.id);
  }

  /** Starts it also when it may have been added: the others may not be able to do without it any more. If it is no member, it finds out. */
  async #startWith(spare: Machine, asLearner: boolean): Promise<MemberAddResponse> {
    const start = () => {
      spare.isMember = true;
      this.#cluster.start(spare, "existing");
    };
    try {
      const added = await this.#client.cluster.memberAdd([spare.peerUrl], asLearner);
      start();
      return added;
    } catch (error) {
      if (error instanceof EtcdError && error.maybeApplied) start();
      throw error;
    }
  }

  /** True when it is certain that the member is none any more. */
  async remove(machine: Machine, chance: Chance): Promise<boolean> {
    const { members } = await this.#client.cluster.memberList();
    const own = members.find(({ peerURLs }) => peerURLs.includes(machine.peerUrl));
    const voters = this.#cluster.electorates[0] ?? [];
    const left = voters.filter((one) => one !== machine);
    // One that does not run may never have: nobody may have heard that it was added.
    const healthy = left.filter(({ isBroken, local }) => !isBroken && local !== undefined);
    // Whoever is left may never hear that the removal is committed, if the one removed was the last who knew: then it takes a quorum of those
    // before. Of two members, one can never be removed safely.
    if (own === undefined || left.length < 2 + this.#uncertain || healthy.length - this.#uncertain <= voters.length / 2)
      return false;
    this.#uncertain++;
    await this.#client.cluster.memberRemove(own.id);
    this.#uncertain--;
    await this.#waitAWhile(chance);
    this.#cluster.wipe(machine);
    return true;
  }

  #waitAWhile(chance: Chance): Promise<void> {
    const drawnMs = chance.exponential(this.#cluster.parameters.faultDurationUs) / 1000;
    return pause(this.#clock, Math.min(drawnMs, longestWaitMs));
  }

  /**
   * Starts whoever is a member, as the cluster itself has it. Those that are none go, and of those whose disk is damaged another takes the
   * place. Resolves when that is so.
   */
  async tidyUp(): Promise<void> {
    for (;;) {
      try {
        if (await this.#tidiesNothing()) return;
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
      }
      await pause(this.#clock, 500);
    }
  }

  async #tidiesNothing(): Promise<boolean> {
    const { members } = await this.#client.cluster.memberList();
    // What is being changed may bring in one more, or only seem to.
    let isTidy = !this.#changing;
    for (const machine of this.#cluster.machines) {
      const own = members.find(({ peerURLs }) => peerURLs.includes(machine.peerUrl));
      if (own === undefined) {
        if (machine.isMember) this.#cluster.wipe(machine);
      } else if (machine.refusal !== undefined) {
        isTidy = false;
        await this.#client.cluster.memberRemove(own.id);
        this.#cluster.wipe(machine);
      } else if (machine.local === undefined) {
        // One that is starting may yet find its disk damaged.
        isTidy = false;
        machine.isMember = true;
        if (!machine.isUp) this.#cluster.start(machine, "existing");
      }
    }
    return isTidy;
  }
}
