import type { Log } from "../../base/mod.ts";
import { connectIn, type EtcdClient } from "../../kvstore/client/mod.ts";
import { askEachForMembers, type MemberOptions, startLocalMember, type World } from "../../kvstore/mod.ts";
import type { SimulatedMessage } from "../report/mod.ts";
import type { Chance } from "./chance.ts";
import { VirtualConnection } from "./connection.ts";
import { VirtualDisk } from "./disk.ts";
import { DurableLog } from "./durable-log.ts";
import { Violation } from "./hold.ts";
import { VirtualHome } from "./home.ts";
import { HostClock } from "./host-clock.ts";
import { Ledger } from "./ledger.ts";
import { Machine, Process } from "./machine.ts";
import { Network } from "./network.ts";
import type { Parameters as RunParameters } from "./parameters.ts";
import type { Owner, Timeline } from "./timeline.ts";
import { askStranger, VirtualTransport, type Wires } from "./transport.ts";

/** Computers beside the first members', for those that join later. */
const spares = 2;
const firstClientHost = 100;
/** Within it a member has stopped that has to. */
const graceUs = 1_000_000;

/** Why a member may end, or not start, without anything being wrong with the store: somebody broke its world, or said goodbye. */
const excuses = new Set(["EIO", "ENOSPC", "MayBeRemoved", "MemberRemoved", "NoPeerAnswers", "NotAMember"]);

export interface ClusterOptions {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly parameters: RunParameters;
  readonly log?: (machine: Machine, ...line: Parameters<Log>) => void;
  readonly sent?: ((message: SimulatedMessage) => void) | undefined;
}

/** The store's own members on simulated computers, and clients of theirs. */
export class Cluster {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly machines: readonly Machine[];
  readonly ledger: Ledger;
  readonly parameters: RunParameters;
  readonly #chance: Chance;
  readonly #wires: Wires;
  readonly #log: ClusterOptions["log"];
  #processes = 0;
  #clients = 0;
  /** Lives of members so far. */
  starts = 0;

  constructor({ timeline, chance, parameters, log, sent }: ClusterOptions) {
    this.timeline = timeline;
    this.parameters = parameters;
    this.#chance = chance;
    this.#log = log;
    this.network = new Network(timeline, chance.split("network"), parameters.network);
    this.ledger = new Ledger(parameters.members);
    this.machines = Array.from({ length: parameters.members + spares }, (_, index) => this.#machine(index));
    this.#wires = {
      timeline,
      network: this.network,
      processAt: (url) => runningAt(this.machines.find(({ peerUrl }) => peerUrl === url)),
      observe: (process, message) => this.#guard(() => this.ledger.tells(process, message)),
      sent,
    };
  }

  get members(): readonly Machine[] {
    return this.machines.filter(({ isMember }) => isMember);
  }

  /** Who votes, as each running member knows it: some lag behind. The newest comes first. */
  get electorates(): readonly (readonly Machine[])[] {
    const running = this.machines.flatMap(({ local }) => (local === undefined ? [] : [local.member]));
    running.sort((a, b) => b.applied - a.applied);
    const views = running.map(({ voters }) => {
      const urls = new Set(voters.flatMap(({ peerUrls }) => peerUrls));
      return this.machines.filter(({ peerUrl }) => urls.has(peerUrl));
    });
    return views.length === 0 ? [this.members] : views;
  }

  /** Who takes itself for the leader in the newest term. */
  get leader(): Machine | undefined {
    let newest: Machine | undefined;
    for (const machine of this.machines) {
      const leads = machine.local?.member.isLeader === true;
      if (leads && termOf(machine) >= (newest === undefined ? 0 : termOf(newest))) newest = machine;
    }
    return newest;
  }

  /** The first members of a new cluster, each when its time comes. */
  begin(): void {
    for (const machine of this.machines.slice(0, this.parameters.members)) {
      machine.isMember = true;
      machine.isFounder = true;
      const delayUs = this.#chance.below(200_000);
      this.timeline.after(delayUs, undefined, "control", () => this.start(machine, "new"));
    }
  }

  /** Begins another life on this computer. */
  start(machine: Machine, state: "new" | "existing" = "new"): void {
    if (machine.isUp || machine.refusal !== undefined) return;
    const process = new Process(machine, ++this.#processes, this.timeline);
    machine.process = process;
    this.starts++;
    startLocalMember(this.#options(process, machine.isFounder ? "new" : state)).then(
      (local) => {
        if (!process.alive) return;
        process.local = local;
        machine.lacksState = false;
        this.#guard(() => this.ledger.started(process));
      },
      (error: unknown) => this.#gone(process, error, "start"),
    );
  }

  /** Ends a life in the middle of what it does. */
  crash(machine: Machine, powerLoss: boolean): void {
    const { process } = machine;
    process?.end();
    if (process !== undefined) this.ledger.forget(process);
    machine.disk.crash(powerLoss);
    machine.home.crash(powerLoss);
  }

  /** The computer is given to somebody else: nothing of what it held is left. */
  wipe(machine: Machine): void {
    this.crash(machine, true);
    machine.disk.wipe();
    machine.home.wipe();
    machine.stages.wipe();
    machine.log.forget();
    machine.isDamaged = false;
    machine.lacksState = false;
    machine.refusal = undefined;
    machine.isMember = false;
    machine.isFounder = false;
  }

  /** A client on a host of its own, which calls `machines`: if not given, all that may run a member. */
  client(machines: readonly Machine[] = this.machines): {
    readonly client: EtcdClient;
    readonly host: number;
    readonly clock: Process["clock"];
    readonly owner: Owner;
  } {
    const number = ++this.#clients;
    const host = firstClientHost + number;
    const owner: Owner = { number: host, alive: true, blockedUntilUs: 0 };
    const chance = this.#chance.split(`client ${number}`);
    const clock = new HostClock(this.timeline, 0).for(owner);
    const { timeline, network } = this;
    const at = (hostname: string) => this.machines.find(({ name }) => name === hostname);
    const world = {
      timeline,
      network,
      host,
      client: owner,
      processAt: (hostname: string) => runningAt(at(hostname)),
      hostAt: (hostname: string) => at(hostname)?.index ?? 0,
    };
    const endpoints = machines.map(({ clientUrl }) => clientUrl);
    const client = connectIn(
      { clock, random: chance, dial: (endpoint, settings) => new VirtualConnection(endpoint, settings, world) },
      { endpoints, timeoutMs: 4000, dialTimeoutMs: 1000 },
    );
    return { client, host, clock, owner };
  }

  #machine(index: number): Machine {
    const { timeline, parameters } = this;
    const chance = this.#chance.split(`machine ${index}`);
    const log = new DurableLog(`m${index}`);
    return new Machine(index, {
      disk: new VirtualDisk(timeline, chance.split("disk"), parameters.disk, {
        written: (bytes) => this.#guard(() => log.written(bytes)),
        failed: (owner) => this.#mustStop(owner, `m${index}`),
      }),
      home: new VirtualHome(timeline, chance.split("home"), parameters.home),
      clock: new HostClock(timeline, chance.below(1_000_000_000)),
      log,
    });
  }

  #options(process: Process, state: "new" | "existing"): MemberOptions {
    const { machine } = process;
    const { store } = this.parameters;
    const isFirst = ({ index }: Machine) => index < this.parameters.members;
    // Who begins a cluster says who began it, whoever may have joined meanwhile.
    const others = this.machines.filter((one) => (machine.isFounder ? isFirst(one) : one.isMember || one === machine));
    return {
      name: machine.name,
      dataDir: `/${machine.name}`,
      listenPeerUrls: [machine.peerUrl],
      advertisePeerUrls: [machine.peerUrl],
      listenClientUrls: [machine.clientUrl],
      advertiseClientUrls: [machine.clientUrl],
      initialCluster: new Map(others.map(({ name, peerUrl }) => [name, [peerUrl]])),
      initialClusterState: state,
      initialClusterToken: "simulation",
      heartbeatMs: store.heartbeatMs,
      electionMs: store.electionMs,
      snapshotCount: store.snapshotCount,
      snapshotCatchupEntries: store.catchupEntries,
      backendBatchIntervalMs: store.batchIntervalMs,
      compaction: { batchLimit: store.compactionBatch, sleepMs: 10 },
      preVote: store.preVote,
      autoPromoteLearners: store.autoPromote,
      leaseCheckpoints: store.leaseCheckpoints,
      watchProgressIntervalMs: store.progressIntervalMs,
      strictReconfigCheck: false,
      world: this.#world(process),
      log: (...line) => this.#log?.(machine, ...line),
      onFailure: (error) => this.#gone(process, error, "run"),
    };
  }

  #world(process: Process): World {
    const { machine, clock } = process;
    const chance = this.#chance.split(`process ${process.number}`);
    const secrets = chance.split("secrets");
    return {
      clock,
      random: chance,
      randomBytes: (count) => secrets.bytes(count),
      defer: (turn) => void this.timeline.after(0, process, "turn", turn),
      files: machine.disk.for(process),
      segmentBytes: this.parameters.store.segmentBytes,
      home: machine.home.for(process),
      stages: machine.stages.for(process),
      inspect: async () => undefined,
      askForMembers: (urls, upToDate) =>
        askEachForMembers(urls, (url) => askStranger(this.#wires, process, url), clock, upToDate),
      openTransport: async (user) => {
        process.transport = new VirtualTransport(this.#wires, process, user);
        return process.transport;
      },
      observe: (entry) => this.#guard(() => this.ledger.applies(process, entry)),
    };
  }

  /** A life has ended by itself. */
  #gone(process: Process, error: unknown, when: "start" | "run"): void {
    if (!process.alive) return;
    const { machine } = process;
    const code = (error as { readonly code?: string }).code ?? "";
    this.#log?.(machine, "error", `ended at ${when}`, { code, error: String(error) });
    const isExcused = excuses.has(code) || (machine.isDamaged && when === "start");
    if (!isExcused) {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.timeline.fail(new Violation("a member never fails by itself", `${machine.name} at its ${when}: ${why}`));
    }
    if (machine.isDamaged && when === "start" && !excuses.has(code)) machine.refusal = code;
    // What a member that was removed leaves behind is of no use to its successor.
    if (code === "MemberRemoved") this.wipe(machine);
    else this.crash(machine, false);
  }

  /** Nobody knows what a disk holds that has failed: who goes on relies on something that is not there. */
  #mustStop(owner: Owner, name: string): void {
    const goesOn = () => this.timeline.fail(new Violation("who cannot write stops", `${name} goes on`));
    this.timeline.after(graceUs, owner, "control", goesOn);
  }

  /** What a check throws ends the run; it must not end up in the hands of whom it looks at. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.timeline.fail(error);
    }
  }
}

function runningAt(machine: Machine | undefined): Process | undefined {
  return machine?.isUp ? machine.process : undefined;
}

function termOf(machine: Machine): number {
  return machine.local?.member.leadership.term ?? 0;
}
