import { pause } from "../../base/mod.ts";
import { type EtcdClient, EtcdError } from "../../kvstore/client/mod.ts";
import type { Json, Recorder } from "../history/mod.ts";
import type { Chance } from "./chance.ts";
import type { Cluster } from "./cluster.ts";
import type { Machine, Process } from "./machine.ts";
import type { FaultName } from "./parameters.ts";

const keeperUs = 250_000;

/** Breaks things, each for a while, as the parameters of the run have it; and starts members again that have ended. */
export class Nemesis {
  readonly #cluster: Cluster;
  readonly #chance: Chance;
  readonly #recorder: Recorder;
  readonly #admin: EtcdClient;
  readonly #clock: Process["clock"];
  readonly #clientHosts: readonly number[];
  readonly #names: readonly FaultName[];
  /** Their restart is arranged. */
  readonly #awaited = new Set<Machine>();
  #changing = false;
  /** Removals of which nobody knows whether they will yet be carried out. */
  #uncertain = 0;
  #stopped = false;
  /** Of each kind that took effect. */
  readonly counts = new Map<FaultName, number>();

  constructor(cluster: Cluster, chance: Chance, recorder: Recorder, clientHosts: readonly number[]) {
    this.#cluster = cluster;
    this.#chance = chance;
    this.#recorder = recorder;
    this.#clientHosts = clientHosts;
    const { client, clock } = cluster.client();
    this.#admin = client;
    this.#clock = clock;
    this.#names = [...cluster.parameters.faults].flatMap(([name, weight]) => new Array<FaultName>(weight).fill(name));
  }

  begin(): void {
    this.#keep();
    if (this.#names.length > 0) this.#next();
  }

  #next(): void {
    const { timeline, parameters } = this.#cluster;
    timeline.after(this.#chance.exponential(parameters.faultMeanUs), undefined, "fault", () => {
      if (this.#stopped) return;
      this.#next();
      const name = this.#chance.pick(this.#names);
      const value = this.#break(name);
      if (value === undefined) return;
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      this.#recorder.nemesis("info", name, value);
    });
  }

  /** Members that are down come back after a while; soon, once nothing breaks any more. */
  #keep(): void {
    const { timeline, members, parameters } = this.#cluster;
    timeline.after(keeperUs, undefined, "control", () => {
      this.#keep();
      for (const machine of members) {
        if (machine.isUp || this.#awaited.has(machine) || machine.refusal !== undefined) continue;
        this.#awaited.add(machine);
        const delayUs = this.#stopped ? 0 : this.#chance.exponential(parameters.faultDurationUs);
        timeline.after(delayUs, undefined, "control", () => {
          this.#awaited.delete(machine);
          if (machine.isMember) this.#cluster.start(machine, "existing");
        });
      }
    });
  }

  /** What was done; undefined if there was nothing to do it to. */
  #break(name: FaultName): Json | undefined {
    const machine = this.#target();
    if (machine === undefined) return undefined;
    const { network, machines, members, parameters } = this.#cluster;
    const { disk, home, clock, process } = machine;
    const indexes = machines.map(({ index }) => index);
    const target = { target: machine.name };
    switch (name) {
      case "kill":
      case "power-loss":
        if (!machine.isUp) return undefined;
        this.#cluster.crash(machine, name === "power-loss");
        return target;
      case "kill-all": {
        const powerLoss = this.#chance.percent(50);
        for (const one of members) this.#cluster.crash(one, powerLoss);
        return { powerLoss };
      }
      case "pause": {
        if (!machine.isUp) return undefined;
        const us = this.#durationUs();
        process?.pause(us);
        return { ...target, us };
      }
      case "isolate":
        return this.#cut(name, indexes, (from, to) => from === machine.index || to === machine.index);
      case "halves": {
        const side = new Set(indexes.filter(() => this.#chance.percent(50)));
        return this.#cut(name, indexes, (from, to) => side.has(from) !== side.has(to));
      }
      case "bridge": {
        const side = new Set(indexes.filter((index) => index !== machine.index && this.#chance.percent(50)));
        const isBridge = (index: number) => index === machine.index;
        return this.#cut(
          name,
          indexes,
          (from, to) => !isBridge(from) && !isBridge(to) && side.has(from) !== side.has(to),
        );
      }
      case "one-way": {
        const outward = this.#chance.percent(50);
        return this.#cut(name, indexes, (from, to) => (outward ? from : to) === machine.index);
      }
      case "client-cut": {
        const all = [...this.#clientHosts, machine.index];
        return this.#cut(name, all, (from, to) => from === machine.index || to === machine.index);
      }
      case "impair": {
        const [lossPercent, delayUs] = [this.#chance.below(60), this.#chance.exponential(200_000)];
        const impair = (loss: number, extraUs: number) => {
          for (const other of indexes) network.impair(machine.index, other, loss, extraUs);
        };
        impair(lossPercent, delayUs);
        this.#later(() => impair(0, 0));
        return { ...target, lossPercent, delayUs };
      }
      case "slow-disk": {
        const factor = this.#chance.pick([10, 100, 1000]);
        disk.slowDown(factor);
        this.#later(() => disk.slowDown(1));
        return { ...target, factor };
      }
      case "slow-process":
        machine.busyUs = this.#chance.pick([200, 1000, 5000]);
        this.#later(() => {
          machine.busyUs = 0;
        });
        return { ...target, us: machine.busyUs };
      case "sync-error":
        disk.failNextWrite();
        return target;
      case "database-error":
        home.failNextWrite();
        return target;
      case "disk-full":
        disk.fillUp(this.#chance.below(4096));
        this.#later(() => disk.fillUp(Number.POSITIVE_INFINITY));
        return target;
      case "read-error":
        disk.failReads(true);
        this.#cluster.crash(machine, false);
        this.#later(() => disk.failReads(false));
        return target;
      case "bit-flip":
      case "misdirect":
        if (!this.#mayDamage(machine)) return undefined;
        if (name === "misdirect") disk.misdirectNextWrite();
        else if (!disk.flipBit()) return undefined;
        machine.isDamaged = true;
        return target;
      case "lose-database":
        if (!this.#mayDamage(machine)) return undefined;
        machine.lacksState = true;
        this.#cluster.crash(machine, true);
        home.wipe();
        return target;
      case "clock-drift": {
        const ppm = this.#chance.between(-300_000, 300_000);
        clock.drift(ppm);
        this.#later(() => clock.drift(0));
        return { ...target, ppm };
      }
      case "clock-step": {
        const ms = this.#chance.between(-600_000, 600_000);
        clock.step(ms);
        return { ...target, ms };
      }
      case "clock-freeze":
        clock.freeze();
        this.#later(() => clock.thaw());
        return target;
      case "compact":
        // There it is the clients who do, and write it down.
        if (parameters.workload === "store") return undefined;
        return this.#ask(async () => {
          const { header } = await this.#admin.kv.range({ key: Buffer.from("nothing") });
          const revision = Math.max(1, (header?.revision ?? 1) - this.#chance.below(20));
          await this.#admin.kv.compact({ revision, physical: this.#chance.percent(30) });
        });
      case "defragment":
        return this.#ask(() => this.#admin.maintenance.defragment({ endpoint: machine.clientUrl }));
      case "transfer": {
        const { leader } = this.#cluster;
        const other = members.find((one) => one !== leader && one.local !== undefined);
        if (leader === undefined || other?.local === undefined) return undefined;
        const { id } = other.local.member;
        return this.#ask(() => this.#admin.maintenance.moveLeader(id, { endpoint: leader.clientUrl }));
      }
      case "membership":
        return this.#change(() => (this.#chance.percent(50) ? this.#add() : this.#remove(machine)));
      case "replace":
        if (parameters.members < 3) return undefined;
        return this.#change(async () => {
          if (await this.#remove(machine)) await this.#add();
        });
    }
  }

  /** The leader more often than chance would have it: most of what can go wrong does so there. */
  #target(): Machine | undefined {
    const { leader, members } = this.#cluster;
    if (leader?.isMember && this.#chance.percent(40)) return leader;
    return members.length === 0 ? undefined : this.#chance.pick(members);
  }

  #durationUs(): number {
    return this.#chance.exponential(this.#cluster.parameters.faultDurationUs);
  }

  #later(undo: () => void): void {
    this.#cluster.timeline.after(this.#durationUs(), undefined, "fault", () => {
      if (!this.#stopped) undo();
    });
  }

  #cut(name: string, hosts: readonly number[], isCut: (from: number, to: number) => boolean): Json {
    const { network } = this.#cluster;
    const cut: [from: number, to: number][] = [];
    for (const from of hosts) for (const to of hosts) if (from !== to && isCut(from, to)) cut.push([from, to]);
    for (const [from, to] of cut) network.cut(from, to);
    this.#later(() => {
      for (const [from, to] of cut) network.heal(from, to);
      this.#recorder.nemesis("info", "heal", { what: name });
    });
    return { links: cut.map(([from, to]) => `${from}>${to}`) };
  }

  /** Of what is falsified or lost there is always less than half: with one more no protocol could tell what was written. */
  #mayDamage(machine: Machine): boolean {
    if (this.#changing || this.#uncertain > 0 || isBroken(machine)) return false;
    return this.#cluster.electorates.every((voters) => {
      const damaged = voters.filter((one) => isBroken(one) || one === machine).length;
      // Who is no voter yet may become one, damaged as it is; and who is down may know of changes that nobody else does.
      const isKnown = voters.includes(machine) && voters.every((one) => isBroken(one) || one.local !== undefined);
      return isKnown && voters.length - damaged > voters.length / 2;
    });
  }

  /** One change of membership at a time, as a careful operator makes them. */
  #change(change: () => Promise<unknown>): Json | undefined {
    if (this.#changing) return undefined;
    this.#changing = true;
    return this.#ask(() =>
      change().finally(() => {
        this.#changing = false;
      }),
    );
  }

  async #add(): Promise<void> {
    const spare = this.#cluster.machines.find((one) => !one.isMember && !one.isUp);
    if (spare === undefined) return;
    const asLearner = this.#chance.percent(60);
    this.#cluster.wipe(spare);
    const { member } = await this.#admin.cluster.memberAdd([spare.peerUrl], asLearner);
    spare.isMember = true;
    this.#cluster.start(spare, "existing");
    if (!asLearner || member === undefined) return;
    await pause(this.#clock, this.#durationUs() / 1000);
    await this.#admin.cluster.memberPromote(member.id);
  }

  /** True when it is certain that the member is none any more. */
  async #remove(machine: Machine): Promise<boolean> {
    const { members } = await this.#admin.cluster.memberList();
    const own = members.find(({ peerURLs }) => peerURLs.includes(machine.peerUrl));
    const voters = this.#cluster.electorates[0] ?? [];
    const left = voters.filter((one) => one !== machine);
    const healthy = left.filter((one) => !isBroken(one));
    // Whoever is left may never hear that the removal is committed, if the one removed was the last who knew: then it takes a quorum of those
    // before. Of two members, one can never be removed safely.
    if (own === undefined || left.length < 2 + this.#uncertain || healthy.length - this.#uncertain <= voters.length / 2)
      return false;
    this.#uncertain++;
    await this.#admin.cluster.memberRemove(own.id);
    this.#uncertain--;
    await pause(this.#clock, this.#durationUs() / 1000);
    this.#cluster.wipe(machine);
    return true;
  }

  /** What an operator asks for may fail. */
  #ask(work: () => Promise<unknown>): Json {
    work().catch((error: unknown) => {
      if (!(error instanceof EtcdError)) this.#cluster.timeline.fail(error);
    });
    return {};
  }

  /**
   * Ends all faults and starts whoever is a member, as the cluster itself has it. Those that are none go, and of those whose disk is
   * damaged another takes the place. Resolves when everybody has been told.
   */
  async mend(): Promise<void> {
    this.#stopped = true;
    const { network, machines } = this.#cluster;
    network.mend();
    for (const { disk, home, clock, process } of machines) {
      disk.mend();
      home.mend();
      clock.mend();
      process?.resume();
    }
    for (const machine of machines) {
      machine.busyUs = 0;
      if (machine.isMember && !machine.isUp) this.#cluster.start(machine, "existing");
    }
    for (;;) {
      try {
        const { members } = await this.#admin.cluster.memberList();
        const isMember = ({ peerUrl }: Machine) => members.some(({ peerURLs }) => peerURLs.includes(peerUrl));
        let isQuiet = true;
        for (const machine of machines) {
          if (isMember(machine) && machine.refusal !== undefined) {
            isQuiet = false;
            const own = members.find(({ peerURLs }) => peerURLs.includes(machine.peerUrl));
            await this.#admin.cluster.memberRemove(own!.id);
            this.#cluster.wipe(machine);
          } else if (isMember(machine) && !machine.isUp) {
            isQuiet = false;
            machine.isMember = true;
            this.#cluster.start(machine, "existing");
          } else if (!isMember(machine) && machine.isMember) this.#cluster.wipe(machine);
        }
        if (isQuiet) return;
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
      }
      await pause(this.#clock, 500);
    }
  }
}

/** What its disks hold does not count. */
function isBroken({ isDamaged, lacksState }: Machine): boolean {
  return isDamaged || lacksState;
}
