import { PerformanceObserver } from "node:perf_hooks";

const intervalMs = 10;
/** When nobody looks for so long, nothing is measured any more. */
const interestMs = 300_000;

/** The longest of each since the last look, in seconds; zero at the first look. */
export interface LoopDelay {
  /** For how long the event loop came to nothing else: what a client may have had to wait. */
  readonly lagSeconds: number;
  /** CPU time of one round of the event loop: the part of the lag that is not due to other processes on the machine. */
  readonly busySeconds: number;
  /** A pause of the garbage collector. */
  readonly collectorSeconds: number;
}

let monitor: Monitor | undefined;

/** How long clients had to wait because of what else this process did. Measured from the first look on: who does not ask does
 * not pay. All members in one process share the loop, and the looks. */
export function loopDelay(): LoopDelay {
  monitor ??= new Monitor(() => {
    monitor = undefined;
  });
  return monitor.look();
}

class Monitor {
  readonly #timer: NodeJS.Timeout;
  readonly #observer: PerformanceObserver;
  #lookedMs = performance.now();
  #lastMs = performance.now();
  #lastCpuMs = threadCpuMs();
  #lagMs = 0;
  #busyMs = 0;
  #collectorMs = 0;

  constructor(onForgotten: () => void) {
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#collectorMs = Math.max(this.#collectorMs, duration);
    });
    this.#observer.observe({ entryTypes: ["gc"] });
    this.#timer = setInterval(() => {
      this.#measure();
      if (performance.now() - this.#lookedMs < interestMs) return;
      clearInterval(this.#timer);
      this.#observer.disconnect();
      onForgotten();
    }, intervalMs).unref();
  }

  look(): LoopDelay {
    const seen = {
      lagSeconds: this.#lagMs / 1000,
      busySeconds: this.#busyMs / 1000,
      collectorSeconds: this.#collectorMs / 1000,
    };
    this.#lookedMs = performance.now();
    this.#lagMs = this.#busyMs = this.#collectorMs = 0;
    return seen;
  }

  /** Timers have their turn in every round of the loop. */
  #measure(): void {
    const [nowMs, cpuMs] = [performance.now(), threadCpuMs()];
    this.#lagMs = Math.max(this.#lagMs, nowMs - this.#lastMs - intervalMs);
    this.#busyMs = Math.max(this.#busyMs, cpuMs - this.#lastCpuMs);
    this.#lastMs = nowMs;
    this.#lastCpuMs = cpuMs;
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
