import type { Clock, Random } from "../../../base/mod.ts";
import type { Container, Pod } from "../../../controlplane/api/mod.ts";
import type { ProbeVerdict, ProbeVerdicts } from "../pod/actions.ts";
import { isSidecar, refOf } from "../pod/pod-ref.ts";
import type { RuntimeContainer } from "../pod/runtime-pod.ts";
import { type ProbeKind, type ProbeView, ProbeWorker, probeKinds } from "./probe-worker.ts";
import type { Prober } from "./prober.ts";

export interface ProbeManagerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly prober: Prober;
  /** What is known of a container now; undefined: its pod is gone. */
  readonly view: (uid: string, containerName: string) => Omit<ProbeView, "started"> | undefined;
  /** A verdict changed: the pod (by uid) wants another look. */
  readonly onChange: (uid: string) => void;
  readonly onUnhealthy: (pod: Pod, container: Container, message: string) => void;
}

const specField = { startup: "startupProbe", liveness: "livenessProbe", readiness: "readinessProbe" } as const;

/** The probe workers of all pods, and what they say. */
export class ProbeManager implements ProbeVerdicts {
  readonly #options: ProbeManagerOptions;
  readonly #startedAtMs: number;
  /** By uid, then by container and kind. */
  readonly #workers = new Map<string, Map<string, ProbeWorker>>();
  /** By container id. */
  readonly #verdicts: Readonly<Record<ProbeKind, Map<string, ProbeVerdict>>> = {
    startup: new Map(),
    liveness: new Map(),
    readiness: new Map(),
  };

  constructor(options: ProbeManagerOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.monotonic();
  }

  /** Starts the probes of a pod that are not running yet. */
  add(pod: Pod): void {
    const { uid } = refOf(pod);
    const containers = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers];
    for (const container of containers) {
      for (const kind of probeKinds) this.#start(uid, pod, container, kind);
    }
  }

  #start(uid: string, pod: Pod, container: Container, kind: ProbeKind): void {
    const probe = container[specField[kind]];
    const workers = this.#workers.get(uid) ?? new Map<string, ProbeWorker>();
    const key = `${container.name}/${kind}`;
    if (probe === undefined || workers.has(key)) return;
    const { clock, random, prober } = this.#options;
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const justStarted = clock.monotonic() - this.#startedAtMs < periodMs;
    const worker = new ProbeWorker({
      kind,
      container,
      probe,
      prober,
      clock,
      firstDelayMs: justStarted ? random.below(periodMs) : 0,
      view: () => {
        const view = this.#options.view(uid, container.name);
        return view && { ...view, started: view.instance !== undefined && this.started(view.instance, container) };
      },
      onVerdict: (id, verdict) => this.#record(uid, kind, id, verdict),
      onUnhealthy: (message) => this.#options.onUnhealthy(pod, container, message),
    });
    workers.set(key, worker);
    this.#workers.set(uid, workers);
  }

  #record(uid: string, kind: ProbeKind, containerId: string, verdict: ProbeVerdict): void {
    if (this.#verdicts[kind].get(containerId) === verdict) return;
    this.#verdicts[kind].set(containerId, verdict);
    // A started container is asked for its readiness at once, not at the end of a period.
    if (kind === "startup" && verdict === "success") this.trigger(uid);
    this.#options.onChange(uid);
  }

  /** A container has started: its probes need not wait for their period. */
  trigger(uid: string): void {
    for (const [key, worker] of this.#workers.get(uid) ?? []) if (!key.endsWith("/liveness")) worker.trigger();
  }

  /** The pod ends: liveness and startup are of no interest any more. */
  stopLiveness(uid: string): void {
    for (const [key, worker] of this.#workers.get(uid) ?? []) if (!key.endsWith("/readiness")) worker.stop();
  }

  remove(uid: string): void {
    for (const worker of this.#workers.get(uid)?.values() ?? []) worker.stop();
    this.#workers.delete(uid);
  }

  /** The instance is gone for good. */
  forget(containerId: string): void {
    for (const kind of probeKinds) this.#verdicts[kind].delete(containerId);
  }

  close(): void {
    for (const uid of [...this.#workers.keys()]) this.remove(uid);
  }

  liveness(containerId: string): ProbeVerdict | undefined {
    return this.#verdicts.liveness.get(containerId);
  }

  startup(containerId: string): ProbeVerdict | undefined {
    return this.#verdicts.startup.get(containerId);
  }

  started(instance: RuntimeContainer, container: Container): boolean {
    if (instance.state !== "running") return false;
    const verdict = this.#verdicts.startup.get(instance.id);
    return verdict === undefined ? container.startupProbe === undefined : verdict === "success";
  }

  ready(instance: RuntimeContainer, container: Container): boolean {
    if (instance.state !== "running" || !this.started(instance, container)) return false;
    return container.readinessProbe === undefined || this.#verdicts.readiness.get(instance.id) === "success";
  }
}
