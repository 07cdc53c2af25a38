import type { Cluster, OwnMember } from "./cluster.ts";
import { LoopDisk } from "./loop-disk.ts";
import { sleep } from "./machine-clock.ts";
import type { Weather } from "./network/link.ts";
import { between, type Cut } from "./network/shapes.ts";
import { processState } from "./process-state.ts";

/**
 * Faults by hand, for tests and for nemeses. Members are called by their names.
 *
 *     await faults.partition(["m0"], ["m1", "m2"]);
 *     …
 *     await faults.heal();
 */
export class Faults {
  readonly #cluster: Cluster;
  readonly #paused = new Set<string>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** SIGKILL, to all at once. Returns how many died of it. */
  async kill(...names: readonly string[]): Promise<number> {
    const died = await Promise.all(names.map((name) => this.#cluster.own(name).process.end("SIGKILL")));
    return died.filter((one) => one).length;
  }

  /** Starts who was killed or died; does not wait for them to serve. */
  start(...names: readonly string[]): void {
    for (const name of names) this.#cluster.own(name).process.start();
  }

  /** SIGSTOP: not a line of it runs until `resume`. Returns how many stand still. */
  async pause(...names: readonly string[]): Promise<number> {
    let stopped = 0;
    for (const name of names) {
      const { pid } = this.#cluster.member(name);
      if (pid === undefined) continue;
      process.kill(pid, "SIGSTOP");
      this.#paused.add(name);
      // The signal is delivered when the process is next looked at by its processor.
      for (let tries = 0; processState(pid) !== "T" && tries < 100; tries++) await sleep(1);
      if (processState(pid) === "T") stopped++;
    }
    return stopped;
  }

  resume(...names: readonly string[]): void {
    for (const name of names) {
      const { pid } = this.#cluster.member(name);
      if (pid !== undefined) process.kill(pid, "SIGCONT");
      this.#paused.delete(name);
    }
  }

  /** Between nodes of different groups nothing gets through. Clients are the node "clients". Connections stay, and what was sent arrives after `heal`. */
  async partition(...groups: readonly (readonly string[])[]): Promise<void> {
    this.cut(between(...groups));
  }

  /** Nothing that the first of a pair sends reaches the second. */
  cut(cuts: readonly Cut[], how: "stall" | "reset" = "stall"): void {
    this.#cluster.network.cut(cuts, how);
  }

  /** What one sends to the other is late, lost, slow. */
  weather(pairs: readonly Cut[], weather: Weather): void {
    this.#cluster.network.weather(pairs, weather);
  }

  /** The network is whole again. */
  async heal(): Promise<void> {
    this.#cluster.network.heal();
  }

  /**
   * What was not synced is gone. With `diskFirst` the processes live on for so many milliseconds and get an error from every call. Needs disks of their own. Returns
   * how many processes it ended.
   */
  async powerLoss(names: readonly string[], diskFirst?: number): Promise<number> {
    const struck = names.map((name) => this.#ownDisk(name));
    let ended = 0;
    if (diskFirst !== undefined) {
      for (const { process } of struck) process.mayEnd = true;
      const running = struck.filter(({ process }) => process.runs).length;
      LoopDisk.cutPower(struck.map(({ disk }) => disk));
      await sleep(diskFirst);
      ended = running - struck.filter(({ process }) => process.runs).length;
    }
    const killed = await Promise.all(struck.map(({ process }) => process.end("SIGKILL")));
    if (diskFirst === undefined) LoopDisk.cutPower(struck.map(({ disk }) => disk));
    for (const { disk } of struck) {
      disk.unmount();
      disk.mount();
    }
    return ended + killed.filter((one) => one).length;
  }

  /** Seconds that a member's wall clock is ahead. Returns by how much its answers say it is, in ms. Needs a clock of its own. */
  async setClock(name: string, offsetSeconds: number): Promise<number | undefined> {
    const { clock } = this.#cluster.own(name);
    clock?.set(offsetSeconds);
    return clock?.offsetMs();
  }

  /** Sets a failpoint by gofail's protocol, or with no terms takes it away. Returns whether the member knows it. */
  async failpoint(name: string, point: string, terms?: string): Promise<boolean> {
    const url = new URL(point, this.#cluster.own(name).failpointsUrl);
    const request = terms === undefined ? { method: "DELETE" } : { method: "PUT", body: terms };
    // One that is down has none.
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    return answer?.ok === true;
  }

  /** Everything is as it was, for all who can be made so: nobody down, paused or cut off. */
  async healAll(): Promise<void> {
    await this.heal();
    this.resume(...this.#paused);
    for (const { name, own } of this.#cluster.members) {
      own?.clock?.set(0);
      if (own !== undefined && !own.process.runs) this.start(name);
    }
  }

  #ownDisk(name: string): OwnMember & { readonly disk: LoopDisk } {
    const own = this.#cluster.own(name);
    if (own.disk === undefined) throw new Error(`${name} has no disk of its own: prepare the cluster with "disk"`);
    return { ...own, disk: own.disk };
  }
}
