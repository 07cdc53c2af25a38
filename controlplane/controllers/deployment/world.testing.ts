import type { Deployment, DeploymentStrategy, ReplicaSet } from "../../api/mod.ts";
import { sizeAnnotations } from "./annotations.ts";
import { plan } from "./plan.ts";
import { sizeOf } from "./rolling-update.ts";
import { isComplete } from "./status.ts";

export type Strategy = DeploymentStrategy;

interface FakePod {
  readonly owner: string;
  available: boolean;
}

/**
 * A Deployment, its sets, their pods, and everybody else who works on them (API server, ReplicaSet controller, kubelets), each of
 * whose steps can be taken alone. Statuses of sets lag behind their pods until `observe` is called for them, as in a real cluster.
 */
export class World {
  readonly deployment: Deployment;
  replicaSets: ReplicaSet[] = [];
  /** Images whose pods never become available. */
  readonly broken = new Set<string>();
  nowMs = Date.UTC(2030, 0, 1);
  /** Called after every single change. */
  onChange: () => void = () => undefined;
  #pods: FakePod[] = [];
  #uids = 0;

  constructor(replicas: number, strategy: Strategy) {
    this.deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "default", uid: "deployment", generation: 1 },
      spec: {
        replicas,
        selector: { matchLabels: { app: "web" } },
        strategy,
        progressDeadlineSeconds: 600,
        template: {
          metadata: { name: "", labels: { app: "web" } },
          spec: { containers: [{ name: "c", image: "v1" }] },
        },
      },
    };
  }

  setImage(image: string): void {
    this.deployment.spec.template = {
      metadata: { name: "", labels: { app: "web" } },
      spec: { containers: [{ name: "c", image }] },
    };
    this.#changedSpec();
  }

  setReplicas(replicas: number): void {
    this.deployment.spec.replicas = replicas;
    this.#changedSpec();
  }

  livePods(): number {
    return this.#pods.length;
  }

  availablePods(): number {
    return this.#pods.filter(({ available }) => available).length;
  }

  /** One look of the Deployment controller, carried out. */
  step(): void {
    this.nowMs += 1000;
    const decided = plan({ deployment: this.deployment, replicaSets: this.replicaSets, pods: [], nowMs: this.nowMs });
    if (decided.create !== undefined) {
      const create = structuredClone(decided.create);
      create.metadata.uid = `rs-${++this.#uids}`;
      create.metadata.generation = 1;
      create.metadata.creationTimestamp = new Date(this.nowMs).toISOString();
      this.replicaSets = [...this.replicaSets, create];
      this.onChange();
    }
    const { refresh } = decided;
    if (refresh !== undefined) this.#put(structuredClone(refresh));
    for (const { replicaSet, replicas } of decided.resizes) {
      const current = this.replicaSets.find(({ metadata }) => metadata.uid === replicaSet.metadata.uid) as ReplicaSet;
      const annotations = { ...current.metadata.annotations, ...sizeAnnotations(this.deployment) };
      const generation = (current.metadata.generation ?? 0) + 1;
      const metadata = { ...current.metadata, annotations, generation };
      this.#put({ ...current, metadata, spec: { ...current.spec, replicas } });
      this.onChange();
    }
    const gone = new Set(decided.remove.map(({ metadata }) => metadata.uid));
    this.replicaSets = this.replicaSets.filter(({ metadata }) => !gone.has(metadata.uid));
    if (decided.revision !== undefined) {
      this.deployment.metadata.annotations = {
        ...this.deployment.metadata.annotations,
        "deployment.kubernetes.io/revision": decided.revision,
      };
    }
    this.deployment.status = decided.status;
  }

  /** One pod is created or deleted by the ReplicaSet controller: unavailable ones go first. */
  managePods(replicaSet: ReplicaSet): void {
    const uid = replicaSet.metadata.uid ?? "";
    const own = this.#pods.filter(({ owner }) => owner === uid);
    if (own.length < sizeOf(replicaSet)) this.#pods = [...this.#pods, { owner: uid, available: false }];
    else if (own.length > sizeOf(replicaSet)) {
      const victim = own.find(({ available }) => !available) ?? own[0];
      this.#pods = this.#pods.filter((pod) => pod !== victim);
    }
    this.onChange();
  }

  /** One more pod becomes available. */
  startPod(replicaSet: ReplicaSet): void {
    if (this.broken.has(imageOf(replicaSet))) return;
    const pod = this.#pods.find(({ owner, available }) => owner === replicaSet.metadata.uid && !available);
    if (pod !== undefined) pod.available = true;
    this.onChange();
  }

  /** The ReplicaSet controller writes down what it sees. */
  observe(replicaSet: ReplicaSet): void {
    const own = this.#pods.filter(({ owner }) => owner === replicaSet.metadata.uid);
    const available = own.filter((pod) => pod.available).length;
    const counts = { replicas: own.length, readyReplicas: available, availableReplicas: available };
    this.#put({ ...replicaSet, status: { ...counts, observedGeneration: replicaSet.metadata.generation } });
  }

  /** Some step of somebody. */
  randomStep(choice: number): void {
    const replicaSet = this.replicaSets[Math.floor(choice / 4) % Math.max(1, this.replicaSets.length)];
    if (choice % 4 === 0 || replicaSet === undefined) this.step();
    else if (choice % 4 === 1) this.managePods(replicaSet);
    else if (choice % 4 === 2) this.startPod(replicaSet);
    else this.observe(replicaSet);
  }

  /** Everybody works until the Deployment is complete, or for so many rounds. */
  run(end: { until: "complete" } | { rounds: number }): void {
    const rounds = "rounds" in end ? end.rounds : 500;
    for (let round = 0; round < rounds; round++) {
      this.step();
      const complete = this.deployment.status !== undefined && isComplete(this.deployment, this.deployment.status);
      if ("until" in end && complete) return;
      this.#others();
    }
    if ("until" in end) throw new Error(`it does not converge: ${formatWorld(this)}`);
  }

  /** Sizes of the sets after each look of the controller that changed them, until it is complete. */
  trace(): string[] {
    const seen: string[] = [];
    for (let round = 0; round < 200; round++) {
      const before = formatWorld(this);
      this.step();
      const after = formatWorld(this);
      if (after !== before) seen.push(after);
      if (this.deployment.status !== undefined && isComplete(this.deployment, this.deployment.status)) return seen;
      this.#others();
    }
    throw new Error(`it does not converge: ${seen.join("; ")}`);
  }

  #others(): void {
    for (const { metadata } of [...this.replicaSets]) {
      const current = () => this.replicaSets.find((it) => it.metadata.uid === metadata.uid) as ReplicaSet;
      for (let i = 0; i < 20; i++) this.managePods(current());
      for (let i = 0; i < 20; i++) this.startPod(current());
      this.observe(current());
    }
  }

  #put(replicaSet: ReplicaSet): void {
    this.replicaSets = this.replicaSets.map((it) => (it.metadata.uid === replicaSet.metadata.uid ? replicaSet : it));
  }

  #changedSpec(): void {
    this.deployment.metadata.generation = (this.deployment.metadata.generation ?? 0) + 1;
  }
}

function imageOf(replicaSet: ReplicaSet): string {
  return replicaSet.spec.template?.spec?.containers[0]?.image ?? "";
}

/** `v1 3, v2 1`: sizes by image. */
export function formatWorld(world: World): string {
  return world.replicaSets
    .map((replicaSet) => `${imageOf(replicaSet)} ${sizeOf(replicaSet)}`)
    .sort()
    .join(", ");
}
