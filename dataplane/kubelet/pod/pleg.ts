import type { Clock, Log, Timer } from "../../../base/mod.ts";
import { CriError, type RuntimeService } from "../runtime/cri.ts";
import { labels } from "./pod-ref.ts";

const relistMs = 1_000;
/** Events that nobody answers within this time mean that the runtime hangs (the original's health check). */
const unhealthyAfterMs = 180_000;

/**
 * The pod lifecycle event generator: says which pods changed in the runtime. Listens to the runtime's events where it has them, and compares
 * two lists each second in any case: events may be lost, states are not.
 */
export class Pleg {
  readonly #runtime: RuntimeService;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onChange: (uid: string) => void;
  readonly #stop = new AbortController();
  /** Container or sandbox id: its pod and its state. */
  #seen = new Map<string, { readonly uid: string; readonly state: string }>();
  #relistedAtMs: number;
  #timer: Timer | undefined;

  constructor(runtime: RuntimeService, clock: Clock, log: Log, onChange: (uid: string) => void) {
    this.#runtime = runtime;
    this.#clock = clock;
    this.#log = log;
    this.#onChange = onChange;
    this.#relistedAtMs = clock.monotonic();
  }

  start(): void {
    void this.#listen();
    void this.#relistForEver();
  }

  stop(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  /** Undefined: healthy. */
  unhealthy(): string | undefined {
    const idleMs = this.#clock.monotonic() - this.#relistedAtMs;
    if (idleMs < unhealthyAfterMs) return undefined;
    return `PLEG is not healthy: pleg was last seen active ${Math.round(idleMs / 1000)}s ago; threshold is 3m0s`;
  }

  async #listen(): Promise<void> {
    try {
      for await (const event of this.#runtime.getContainerEvents(this.#stop.signal)) {
        if (event.podUid !== "") this.#onChange(event.podUid);
      }
    } catch (error) {
      const level = error instanceof CriError && error.code === "Unimplemented" ? "info" : "warn";
      this.#log(level, "no events from the runtime; listing instead", { error: (error as Error).message });
    }
  }

  async #relistForEver(): Promise<void> {
    try {
      await this.#relist();
      this.#relistedAtMs = this.#clock.monotonic();
    } catch (error) {
      this.#log("warn", "could not list what the runtime has", { error: (error as Error).message });
    }
    if (!this.#stop.signal.aborted) this.#timer = this.#clock.after(relistMs, () => void this.#relistForEver());
  }

  async #relist(): Promise<void> {
    const [sandboxes, containers] = await Promise.all([this.#runtime.listPodSandbox(), this.#runtime.listContainers()]);
    const now = new Map<string, { uid: string; state: string }>();
    for (const { id, labels: own, state } of [...sandboxes, ...containers])
      now.set(id, { uid: own[labels.podUid] ?? "", state });
    const changed = new Set<string>();
    for (const [id, { uid, state }] of now) if (this.#seen.get(id)?.state !== state) changed.add(uid);
    for (const [id, { uid }] of this.#seen) if (!now.has(id)) changed.add(uid);
    this.#seen = now;
    for (const uid of changed) this.#onChange(uid);
  }
}
