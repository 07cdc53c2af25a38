import type { Clock, Log, Timer } from "../../../base/mod.ts";
import { type Pod, Quantity } from "../../../controlplane/api/mod.ts";
import { formatPod, refOf } from "../pod/pod-ref.ts";
import { qosClass } from "../pod/qos.ts";
import type { NodeSample } from "../stats/node-sample.ts";
import { exceededStorage } from "./local-storage.ts";
import { type MachineState, met, type Observations, observe } from "./observe.ts";
import { isCritical, rank, type Starved, starvedBy, usageOf } from "./rank.ts";
import { inUnits, type Threshold } from "./thresholds.ts";

export const pressures = ["MemoryPressure", "DiskPressure", "PIDPressure"] as const;
export type PressureCondition = (typeof pressures)[number];

const conditionOf: Readonly<Record<Starved, PressureCondition>> = {
  memory: "MemoryPressure",
  "ephemeral-storage": "DiskPressure",
  inodes: "DiskPressure",
  pids: "PIDPressure",
};

export interface EvictionManagerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly thresholds: readonly Threshold[];
  /** A pressure is over when nothing has been short for this long. */
  readonly transitionPeriodMs: number;
  /** The longest a pod gets when a soft threshold ends it. Seconds. */
  readonly maxPodGraceSeconds: number;
  /** Not older than that. */
  readonly sample: (maxAgeMs: number) => Promise<NodeSample>;
  readonly machine: () => MachineState;
  /** Pods that run, or are to run. */
  readonly pods: () => readonly Pod[];
  /** Ends a pod for good. */
  readonly evict: (pod: Pod, message: string, graceSeconds: number) => void;
  /** Frees disk without a pod having to go: dead containers, unused images. Resolves when it has tried. */
  readonly reclaimDisk: () => Promise<void>;
  readonly nodeEvent: (reason: string, message: string) => void;
  readonly onPressureChanged: () => void;
}

const everyMs = 10_000;
/** What a pod gets to leave when there is no time to lose. */
const hardGraceSeconds = 1;

/** Ends pods before the node has nothing left to give (pkg/kubelet/eviction). One pod a turn: the next turn sees what that has changed. */
export class EvictionManager {
  readonly #options: EvictionManagerOptions;
  /** Since when each threshold is met. */
  readonly #metSince = new Map<Threshold, number>();
  readonly #lastSeen = new Map<PressureCondition, number>();
  #pressed: ReadonlySet<PressureCondition> = new Set();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: EvictionManagerOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, log } = this.#options;
    const turn = async () => {
      try {
        await this.turn();
      } catch (error) {
        log("warn", "it could not be told whether pods must go", { error: (error as Error).message });
      }
      if (!this.#stopped) this.#timer = clock.after(everyMs, () => void turn());
    };
    this.#timer = clock.after(everyMs, () => void turn());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  under(condition: PressureCondition): boolean {
    return this.#pressed.has(condition);
  }

  /** Why a pod may not come now; undefined: it may. Under memory pressure those that promise something still may. */
  refuses(pod: Pod): { readonly reason: string; readonly message: string } | undefined {
    if (this.#pressed.size === 0 || isCritical(pod)) return undefined;
    const memoryOnly = this.#pressed.size === 1 && this.#pressed.has("MemoryPressure");
    if (memoryOnly && qosClass(pod) !== "BestEffort") return undefined;
    const names = pressures.filter((name) => this.#pressed.has(name)).join(" ");
    return { reason: "Evicted", message: `The node had condition: [${names}]. ` };
  }

  async turn(): Promise<void> {
    const sample = await this.#options.sample(everyMs);
    this.#enforceLimits(sample);
    const observed = observe(sample, this.#options.machine());
    const due = this.#judge(observed);
    const [first] = due;
    if (first === undefined) return;
    const resource = starvedBy[first.signal];
    this.#options.nodeEvent("EvictionThresholdMet", `Attempting to reclaim ${resource}`);
    if (resource === "ephemeral-storage" || resource === "inodes") {
      await this.#options.reclaimDisk();
      const after = observe(await this.#options.sample(0), this.#options.machine());
      if (met([first], after, true).length === 0) return;
    }
    this.#evictOne(first, resource, observed, sample);
  }

  /** Who has taken more of the disk than it may goes whether or not the node is short of it. */
  #enforceLimits(sample: NodeSample): void {
    for (const pod of this.#options.pods()) {
      const found = sample.pods.find(({ uid }) => uid === refOf(pod).uid);
      const message = found === undefined ? undefined : exceededStorage(pod, found);
      if (message !== undefined && !isCritical(pod)) this.#options.evict(pod, message, hardGraceSeconds);
    }
  }

  /** Takes note of what is short, and returns the thresholds for which somebody has to go: memory first. */
  #judge(observed: Observations): Threshold[] {
    const { clock, thresholds, transitionPeriodMs } = this.#options;
    const now = clock.monotonic();
    const short = new Set(met(thresholds, observed, false));
    // What was short stays so until as much was freed as was asked for.
    for (const threshold of met(thresholds, observed, true)) if (this.#metSince.has(threshold)) short.add(threshold);
    for (const threshold of thresholds) {
      if (!short.has(threshold)) this.#metSince.delete(threshold);
      else if (!this.#metSince.has(threshold)) this.#metSince.set(threshold, now);
    }
    for (const { signal } of short) this.#lastSeen.set(conditionOf[starvedBy[signal]], now);
    const before = this.#pressed;
    this.#pressed = new Set(
      pressures.filter((name) => {
        const seen = this.#lastSeen.get(name);
        return seen !== undefined && (seen === now || (before.has(name) && now - seen < transitionPeriodMs));
      }),
    );
    if (before.size !== this.#pressed.size || [...before].some((name) => !this.#pressed.has(name)))
      this.#options.onPressureChanged();
    return [...short]
      .filter((threshold) => now - (this.#metSince.get(threshold) ?? now) >= threshold.gracePeriodMs)
      .sort((a, b) => Number(starvedBy[b.signal] === "memory") - Number(starvedBy[a.signal] === "memory"));
  }

  #evictOne(threshold: Threshold, resource: Starved, observed: Observations, sample: NodeSample): void {
    const { log, maxPodGraceSeconds } = this.#options;
    const victims = rank(resource, this.#options.pods(), sample).filter((pod) => !isCritical(pod));
    const [pod] = victims;
    if (pod === undefined) {
      log("warn", "the node is short and there is nobody who could go", { resource });
      return;
    }
    const found = sample.pods.find(({ uid }) => uid === refOf(pod).uid);
    const { available, capacity } = observed.get(threshold.signal) ?? { available: 0, capacity: 0 };
    const amount = (value: number) => Quantity.fromNumber(value, "BinarySI").toString();
    let message = `The node was low on resource: ${resource}. Threshold quantity: ${amount(inUnits(threshold.below, capacity))}, available: ${amount(Math.floor(available / 1024) * 1024)}. `;
    if (resource === "memory" && found !== undefined) {
      for (const { name, memory } of found.containers) {
        const request = Quantity.of(pod.spec.containers.find((one) => one.name === name)?.resources?.requests?.memory);
        const used = memory.workingSetBytes ?? 0;
        if (used > request.value())
          message += `Container ${name} was using ${amount(Math.floor(used / 1024) * 1024)}, request is ${request.toString()}, has larger consumption of ${resource}. `;
      }
    }
    log("warn", "a pod is evicted", { pod: formatPod(refOf(pod)), resource, used: usageOf(resource, pod, found).used });
    const soft = threshold.gracePeriodMs > 0;
    const grace = Math.min(maxPodGraceSeconds, pod.spec.terminationGracePeriodSeconds ?? 30);
    this.#options.evict(pod, message, soft ? Math.max(hardGraceSeconds, grace) : hardGraceSeconds);
  }
}
