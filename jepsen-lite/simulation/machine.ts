import type { Clock } from "../../base/mod.ts";
import type { LocalMember } from "../../kvstore/mod.ts";
import type { VirtualDisk } from "./disk.ts";
import type { DurableLog } from "./durable-log.ts";
import type { VirtualHome } from "./home.ts";
import type { HostClock } from "./host-clock.ts";
import { VirtualStages } from "./stages.ts";
import type { Owner, Timeline } from "./timeline.ts";
import type { VirtualTransport } from "./transport.ts";

/** A computer: what of a member outlives its process. */
export class Machine {
  readonly index: number;
  readonly name: string;
  readonly disk: VirtualDisk;
  readonly home: VirtualHome;
  readonly stages = new VirtualStages();
  readonly clock: HostClock;
  readonly log: DurableLog;
  process: Process | undefined;
  /** It does not start any more, for reasons that are its disk's: somebody has to replace it. */
  refusal: string | undefined;
  /** What its disk holds was falsified. */
  isDamaged = false;
  /** Its database was lost, and no other has come yet. */
  lacksState = false;
  /** Every event of its process makes it busy for so long. */
  busyUs = 0;
  /** It is one of the cluster's, or will be. */
  isMember = false;
  /** With the cluster it began, and may have gone down before its disk knew. */
  isFounder = false;

  constructor(
    index: number,
    parts: {
      readonly disk: VirtualDisk;
      readonly home: VirtualHome;
      readonly clock: HostClock;
      readonly log: DurableLog;
    },
  ) {
    this.index = index;
    this.name = `m${index}`;
    this.disk = parts.disk;
    this.home = parts.home;
    this.clock = parts.clock;
    this.log = parts.log;
  }

  get peerUrl(): string {
    return `http://${this.name}:2380`;
  }

  get clientUrl(): string {
    return `http://${this.name}:2379`;
  }

  get isUp(): boolean {
    return this.process?.alive === true;
  }

  /** What its disks hold does not count. */
  get isBroken(): boolean {
    return this.isDamaged || this.lacksState;
  }

  /** Nothing goes wrong with it any more; what is damaged stays so. */
  mend(): void {
    this.disk.mend();
    this.home.mend();
    this.clock.mend();
    this.process?.resume();
    this.busyUs = 0;
  }

  /** The running member, once it has started. */
  get local(): LocalMember | undefined {
    return this.isUp ? this.process?.local : undefined;
  }
}

/** One life of a member: from its start to its end, be that by its own doing or not. */
export class Process implements Owner {
  readonly number: number;
  readonly machine: Machine;
  readonly clock: Clock;
  readonly startedUs: number;
  alive = true;
  blockedUntilUs = 0;
  local: LocalMember | undefined;
  transport: VirtualTransport | undefined;
  readonly #timeline: Timeline;
  readonly #mourners = new Set<() => void>();

  constructor(machine: Machine, number: number, timeline: Timeline) {
    this.machine = machine;
    this.number = number;
    this.#timeline = timeline;
    this.startedUs = timeline.nowUs;
    this.clock = machine.clock.for(this);
  }

  /** Calls `mourn` when the process ends. Gives how to stop that. */
  onDeath(mourn: () => void): () => void {
    this.#mourners.add(mourn);
    return () => this.#mourners.delete(mourn);
  }

  /** Stands still for so long: whatever happens to it happens afterwards. */
  pause(us: number): void {
    this.blockedUntilUs = Math.max(this.blockedUntilUs, this.#timeline.nowUs + us);
  }

  resume(): void {
    this.blockedUntilUs = this.#timeline.nowUs;
  }

  /** Gone, in the middle of whatever it did. */
  end(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const mourn of this.#mourners) mourn();
    this.#mourners.clear();
  }
}
