import { monitorEventLoopDelay } from "node:perf_hooks";
import { parentPort, Worker } from "node:worker_threads";

export interface Stalls {
  /** Longest stall of any member's event loop, and the most CPU time that one round of any loop took: the latter is the member's
   * own doing, whatever else ran on the machine. */
  readonly lagMs: number;
  readonly busyMs: number;
  /** Longest pause of any member's garbage collector. */
  readonly collectorMs: number;
  /** Longest stall of an event loop that has nothing to do. */
  readonly idleMs: number;
}

/** Reads the metrics of our members that tell how long their event loops were held up. */
export class StallWatch {
  readonly #urls: readonly string[];
  readonly #idle = new Worker(new URL(import.meta.url));

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  /** The longest since the last look. */
  async look(): Promise<Stalls> {
    const texts = await Promise.all(this.#urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    const longest = (name: string) => Math.max(...texts.map((text) => 1000 * metric(text, name)));
    const idle = new Promise<number>((resolve) => this.#idle.once("message", resolve));
    this.#idle.postMessage("look");
    return {
      lagMs: longest("nodejs_eventloop_lag_max_seconds"),
      busyMs: longest("nodejs_eventloop_busy_max_seconds"),
      collectorMs: longest("nodejs_gc_pause_max_seconds"),
      idleMs: await idle,
    };
  }

  async stop(): Promise<void> {
    await this.#idle.terminate();
  }
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

if (parentPort !== null) {
  const port = parentPort;
  const resolutionMs = 5;
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  port.on("message", () => {
    port.postMessage(delays.count === 0 ? 0 : Math.max(0, delays.max / 1e6 - resolutionMs));
    delays.reset();
  });
}
