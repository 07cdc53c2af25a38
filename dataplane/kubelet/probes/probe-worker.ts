import type { Clock, Timer } from "../../../base/mod.ts";
import type { Container, Pod, Probe } from "../../../controlplane/api/mod.ts";
import type { ProbeVerdict } from "../pod/actions.ts";
import type { RuntimeContainer } from "../pod/runtime-pod.ts";
import type { Prober } from "./prober.ts";

export const probeKinds = ["startup", "liveness", "readiness"] as const;
export type ProbeKind = (typeof probeKinds)[number];

/** What holds before the first verdict: nobody is ready unseen, nobody is killed unseen. */
const initialVerdict = { startup: "unknown", liveness: "success", readiness: "failure" } as const satisfies Record<
  ProbeKind,
  ProbeVerdict
>;

/** What a worker must know of its container at each attempt. */
export interface ProbeView {
  readonly pod: Pod;
  /** The newest instance; undefined: none yet. */
  readonly instance: RuntimeContainer | undefined;
  readonly podIP: string;
  /** Past its startup probe, or without one. */
  readonly started: boolean;
}

export interface ProbeWorkerOptions {
  readonly kind: ProbeKind;
  readonly container: Container;
  readonly probe: Probe;
  readonly prober: Prober;
  readonly clock: Clock;
  /** Undefined: the pod is gone; the worker stops. */
  readonly view: () => ProbeView | undefined;
  readonly onVerdict: (containerId: string, verdict: ProbeVerdict) => void;
  readonly onUnhealthy: (message: string) => void;
  /** Wait before the first attempt, so that a kubelet that starts does not probe all at once. */
  readonly firstDelayMs: number;
}

const title = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" } as const;

/** Attempts that could not be made are repeated at once, so many times. */
const maxAttempts = 3;

/** Probes one container for one purpose, period after period, through all its restarts (pkg/kubelet/prober/worker.go). */
export class ProbeWorker {
  readonly #options: ProbeWorkerOptions;
  #containerId = "";
  /** Nothing more is asked of this instance: it is about to be killed, or has started. */
  #onHold = false;
  #last: "success" | "failure" | undefined;
  /** How often in a row `#last` was seen. */
  #run = 0;
  #timer: Timer | undefined;
  #busy = false;
  #stopped = false;

  constructor(options: ProbeWorkerOptions) {
    this.#options = options;
    this.#schedule(options.firstDelayMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Asks now instead of at the next period: the container has just started. */
  trigger(): void {
    if (this.#busy || this.#stopped) return;
    this.#timer?.cancel();
    void this.#turn();
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    this.#busy = true;
    const goOn = await this.#attempt();
    this.#busy = false;
    if (this.#stopped) return;
    if (goOn) this.#schedule((this.#options.probe.periodSeconds ?? 10) * 1000);
    else this.#stopped = true;
  }

  /** False: there is nothing to probe any more. */
  async #attempt(): Promise<boolean> {
    const { kind, probe, container, clock } = this.#options;
    const view = this.#options.view();
    if (view === undefined) return false;
    const { pod, instance } = view;
    if (instance === undefined) return true;
    if (instance.id !== this.#containerId) {
      this.#containerId = instance.id;
      this.#onHold = false;
      this.#last = undefined;
      this.#run = 0;
      this.#options.onVerdict(instance.id, initialVerdict[kind]);
    }
    if (this.#onHold) return true;
    if (instance.state !== "running") {
      if (instance.state === "exited") this.#options.onVerdict(instance.id, "failure");
      return instance.state !== "exited" || pod.spec.restartPolicy !== "Never";
    }
    if (pod.metadata.deletionTimestamp !== undefined && kind !== "readiness") {
      // It ends anyway: only readiness, which takes it out of Services, still matters.
      this.#options.onVerdict(instance.id, "success");
      return false;
    }
    if (clock.now() - instance.startedAtMs < (probe.initialDelaySeconds ?? 0) * 1000) return true;
    // Before the startup probe has succeeded only it is asked, afterwards all but it.
    if (view.started === (kind === "startup")) return true;
    const target = { container, containerId: instance.id, podIP: view.podIP };
    let outcome = await this.#options.prober(probe, target);
    for (let i = 1; i < maxAttempts && outcome.result === "error"; i++)
      outcome = await this.#options.prober(probe, target);
    if (this.#stopped) return false;
    const name = title[kind];
    if (outcome.result === "failure") this.#options.onUnhealthy(`${name} probe failed: ${outcome.output}`);
    if (outcome.result === "error") {
      this.#options.onUnhealthy(`${name} probe errored and resulted in unknown state: ${outcome.output}`);
      return true;
    }
    this.#judge(instance.id, outcome.result);
    return true;
  }

  #judge(containerId: string, result: "success" | "failure"): void {
    const { kind, probe } = this.#options;
    this.#run = this.#last === result ? this.#run + 1 : 1;
    this.#last = result;
    const threshold = result === "success" ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (this.#run < threshold) return;
    if (kind === "startup" || (kind === "liveness" && result === "failure")) {
      this.#onHold = true;
      this.#run = 0;
    }
    this.#options.onVerdict(containerId, result);
  }
}
