import type { Json, Recorder } from "../history/mod.ts";
import { workloads } from "../workloads/mod.ts";
import type { Chance } from "./chance.ts";
import type { Cluster } from "./cluster.ts";
import type { Machine } from "./machine.ts";
import type { Operator } from "./operator.ts";
import type { FaultName } from "./parameters.ts";

export interface Scene {
  readonly cluster: Cluster;
  readonly operator: Operator;
  readonly recorder: Recorder;
  readonly clientHosts: readonly number[];
  /** Breaking things is over: what was to be undone later is somebody else's business. */
  readonly isOver: () => boolean;
}

/** One thing that goes wrong, with all the chance there is in it. */
export class Fault {
  readonly #scene: Scene;
  readonly #chance: Chance;

  constructor(scene: Scene, chance: Chance) {
    this.#scene = scene;
    this.#chance = chance;
  }

  /** What was done; undefined if there was nothing to do it to. */
  happen(name: FaultName): Json | undefined {
    const machine = this.#target();
    if (machine === undefined) return undefined;
    const { cluster, operator } = this.#scene;
    const { network, machines, members, parameters } = cluster;
    const { disk, home, clock, process } = machine;
    const chance = this.#chance;
    const indexes = machines.map(({ index }) => index);
    const target = { target: machine.name };
    switch (name) {
      case "kill":
      case "power-loss":
        if (!machine.isUp) return undefined;
        cluster.crash(machine, name === "power-loss");
        return target;
      case "kill-all": {
        const powerLoss = chance.percent(50);
        for (const one of members) cluster.crash(one, powerLoss);
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
        const side = new Set(indexes.filter(() => chance.percent(50)));
        return this.#cut(name, indexes, (from, to) => side.has(from) !== side.has(to));
      }
      case "bridge": {
        const side = new Set(indexes.filter((index) => index !== machine.index && chance.percent(50)));
        const isBridge = (index: number) => index === machine.index;
        return this.#cut(
          name,
          indexes,
          (from, to) => !isBridge(from) && !isBridge(to) && side.has(from) !== side.has(to),
        );
      }
      case "one-way": {
        const outward = chance.percent(50);
        return this.#cut(name, indexes, (from, to) => (outward ? from : to) === machine.index);
      }
      case "client-cut": {
        const all = [...this.#scene.clientHosts, machine.index];
        return this.#cut(name, all, (from, to) => from === machine.index || to === machine.index);
      }
      case "impair": {
        const [lossPercent, delayUs] = [chance.below(60), chance.exponential(200_000)];
        const impair = (loss: number, extraUs: number) => {
          for (const other of indexes) network.impair(machine.index, other, loss, extraUs);
        };
        impair(lossPercent, delayUs);
        this.#later(() => impair(0, 0));
        return { ...target, lossPercent, delayUs };
      }
      case "slow-disk": {
        const factor = chance.pick([10, 100, 1000]);
        disk.slowDown(factor);
        this.#later(() => disk.slowDown(1));
        return { ...target, factor };
      }
      case "slow-process":
        machine.busyUs = chance.pick([200, 1000, 5000]);
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
        disk.fillUp(chance.below(4096));
        this.#later(() => disk.fillUp(Number.POSITIVE_INFINITY));
        return target;
      case "read-error":
        disk.failReads(true);
        cluster.crash(machine, false);
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
        cluster.crash(machine, true);
        home.wipe();
        return target;
      case "clock-drift": {
        const ppm = chance.between(-300_000, 300_000);
        clock.drift(ppm);
        this.#later(() => clock.drift(0));
        return { ...target, ppm };
      }
      case "clock-step": {
        const ms = chance.between(-600_000, 600_000);
        clock.step(ms);
        return { ...target, ms };
      }
      case "clock-freeze":
        clock.freeze();
        this.#later(() => clock.thaw());
        return target;
      case "compact":
        if (workloads[parameters.workload]?.compacts === true) return undefined;
        return operator.ask(() => operator.compact(chance));
      case "defragment":
        return operator.ask(() => operator.client.maintenance.defragment({ endpoint: machine.clientUrl }));
      case "transfer": {
        const { leader } = cluster;
        const other = members.find((one) => one !== leader && one.local !== undefined);
        if (leader === undefined || other?.local === undefined) return undefined;
        const { id } = other.local.member;
        return operator.ask(() => operator.client.maintenance.moveLeader(id, { endpoint: leader.clientUrl }));
      }
      case "membership":
        return operator.change(() => (chance.percent(50) ? operator.add(chance) : operator.remove(machine, chance)));
      case "replace":
        if (parameters.members < 3) return undefined;
        return operator.change(async () => {
          if (await operator.remove(machine, chance)) await operator.add(chance);
        });
    }
  }

  /** The leader more often than chance would have it: most of what can go wrong does so there. */
  #target(): Machine | undefined {
    const { leader, members } = this.#scene.cluster;
    if (leader?.isMember && this.#chance.percent(40)) return leader;
    return members.length === 0 ? undefined : this.#chance.pick(members);
  }

  #durationUs(): number {
    return this.#chance.exponential(this.#scene.cluster.parameters.faultDurationUs);
  }

  #later(undo: () => void): void {
    this.#scene.cluster.timeline.after(this.#durationUs(), undefined, "fault", () => {
      if (!this.#scene.isOver()) undo();
    });
  }

  #cut(name: string, hosts: readonly number[], isCut: (from: number, to: number) => boolean): Json {
    const { network, timeline, parameters } = this.#scene.cluster;
    const cut: [from: number, to: number][] = [];
    for (const from of hosts) for (const to of hosts) if (from !== to && isCut(from, to)) cut.push([from, to]);
    const [before, sinceUs, speaker] = [network.counts.stopped, timeline.nowUs, this.#speakerOver(cut)];
    for (const [from, to] of cut) network.cut(from, to);
    this.#later(() => {
      for (const [from, to] of cut) network.heal(from, to);
      // By all cuts that there were meanwhile: with none of them wired up it stays 0. Where nobody speaks, nothing can be stopped.
      const effect = network.counts.stopped - before;
      const isLong = timeline.nowUs - sinceUs > 5000 * parameters.store.heartbeatMs;
      const hasEffect = isLong && speaker !== undefined && speaker === this.#speakerOver(cut);
      this.#scene.recorder.nemesis("info", "heal", { what: name, fault: name, ...(hasEffect ? { effect } : {}) });
    });
    return { links: cut.map(([from, to]) => `${from}>${to}`) };
  }

  /** The leader, if some of the links are from it to members that are there: it lets them hear of it all the time. */
  #speakerOver(links: readonly (readonly [from: number, to: number])[]): Machine | undefined {
    const { leader, machines } = this.#scene.cluster;
    return links.some(([from, to]) => from === leader?.index && machines[to]?.local !== undefined) ? leader : undefined;
  }

  /** Of what is falsified or lost there is always less than half: with one more no protocol could tell what was written. */
  #mayDamage(machine: Machine): boolean {
    const { cluster, operator } = this.#scene;
    if (operator.isChanging || machine.isBroken) return false;
    return cluster.electorates.every((voters) => {
      const damaged = voters.filter((one) => one.isBroken || one === machine).length;
      // Who is no voter yet may become one, damaged as it is; and who is down may know of changes that nobody else does.
      const isKnown = voters.includes(machine) && voters.every((one) => one.isBroken || one.local !== undefined);
      return isKnown && voters.length - damaged > voters.length / 2;
    });
  }
}
