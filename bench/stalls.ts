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

/** Members measure only while somebody looks now and then. */
const lookEveryMs = 60_000;

/** Reads the metrics of our members that tell how long their event loops were held up. */
export class StallWatch {
  readonly #urls: readonly string[];
  readonly #idle = new Worker(new URL(import.meta.url));
  readonly #timer: NodeJS.Timeout;
  /** What the looks that nobody asked for saw, and the one that is under way. */
  #seen: Stalls = { lagMs: 0, busyMs: 0, collectorMs: 0, idleMs: 0 };
  #looking: Promise<void> = Promise.resolve();

  constructor(urls: readonly string[]) {
    this.#urls = urls;
    this.#timer = setInterval(() => this.#lookAgain(), lookEveryMs);
  }

  /** The longest since the last call. */
  async look(): Promise<Stalls> {
    this.#lookAgain();
    await this.#looking;
    const seen = this.#seen;
    this.#seen = { lagMs: 0, busyMs: 0, collectorMs: 0, idleMs: 0 };
    return seen;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#idle.terminate();
  }

  #lookAgain(): void {
    this.#looking = this.#looking.then(async () => {
      const { lagMs, busyMs, collectorMs, idleMs } = await this.#lookOnce();
      const seen = this.#seen;
      this.#seen = {
        lagMs: Math.max(seen.lagMs, lagMs),
        busyMs: Math.max(seen.busyMs, busyMs),
        collectorMs: Math.max(seen.collectorMs, collectorMs),
        idleMs: Math.max(seen.idleMs, idleMs),
      };
    });
  }

  async #lookOnce(): Promise<Stalls> {
    // One that is being restarted has nothing to tell.
    const read = async (url: string) => (await fetch(`${url}/metrics`)).text();
    const texts = (await Promise.allSettled(this.#urls.map(read))).map((read) =>
      read.status === "fulfilled" ? read.value : "",
    );
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
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
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
