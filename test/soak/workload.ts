import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../base/mod.ts";
import type { Job, PodSpec, PodTemplateSpec, VolumeMount } from "../../controlplane/api/mod.ts";
import { type Client, isNotFound } from "../../controlplane/client/mod.ts";

const namespace = "default";
/** How long one request may take before its outcome counts as unknown. */
const patienceMs = 8_000;

/** Leaves a silent node after a few seconds, so that short faults move pods too. */
const impatient = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map((key) => ({
  key,
  operator: "Exists" as const,
  effect: "NoExecute" as const,
  tolerationSeconds: 3,
}));

function template(
  name: string,
  script: string,
  spec: Partial<PodSpec> = {},
  volumeMounts: VolumeMount[] = [],
): PodTemplateSpec {
  const containers = [{ name: "c", image: "host", command: ["sh", "-c", script], volumeMounts }];
  return { metadata: { labels: { app: name } }, spec: { terminationGracePeriodSeconds: 2, containers, ...spec } };
}

/** Ends at once when told to; a shell that waits in the foreground would not. */
const serve = "trap 'exit 0' TERM; sleep 1000000 & wait";

/** The first start of a claim's life writes down whose it is, and when; a later one that is another pod's fails. */
const keepBirth = 'f=/data/birth; [ -s $f ] || echo "$HOSTNAME $(date +%s%N)" > $f; grep -q "^$HOSTNAME " $f || exit 1';

/** What a user keeps asking for, and what the server has promised so far. */
export class Workload {
  readonly #client: Client;
  readonly #random: Random;
  /** Names of ConfigMaps by what became of them; those whose last request had no answer are in neither. */
  readonly created = new Set<string>();
  readonly deleted = new Set<string>();
  readonly jobs = new Map<string, number>();
  readonly startedAtMs = Date.now();
  unanswered = 0;

  constructor(client: Client, random: Random) {
    this.#client = client;
    this.#random = random;
  }

  async begin(): Promise<void> {
    const { deployments, statefulSets, cronJobs, services } = this.#client;
    for (const name of ["web", "api"]) {
      const selector = { matchLabels: { app: name } };
      const pods = template(name, serve, { tolerations: impatient });
      await deployments.create({ metadata: { name, namespace }, spec: { replicas: 4, selector, template: pods } });
      const ports = [{ port: 80 }];
      await services.create({ metadata: { name, namespace }, spec: { selector: { app: name }, ports } });
    }
    await services.create({
      metadata: { name: "db", namespace },
      spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 80 }] },
    });
    await statefulSets.create({
      metadata: { name: "db", namespace },
      spec: {
        replicas: 3,
        serviceName: "db",
        selector: { matchLabels: { app: "db" } },
        template: template("db", `${keepBirth}; ${serve}`, {}, [{ name: "data", mountPath: "/data" }]),
        volumeClaimTemplates: [
          {
            metadata: { name: "data" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
          },
        ],
      },
    });
    const once = template("tick", "true", { restartPolicy: "OnFailure" });
    await cronJobs.create({
      metadata: { name: "tick", namespace },
      spec: { schedule: "* * * * *", successfulJobsHistoryLimit: 1000, jobTemplate: { spec: { template: once } } },
    });
  }

  /** Until the signal: writes small objects all the time, changes the Deployments and adds Jobs now and then. */
  async go(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#writeObjects(signal), this.#changeDeployments(signal), this.#addJobs(signal)]);
  }

  async #writeObjects(signal: AbortSignal): Promise<void> {
    for (let count = 0; !signal.aborted; count++) {
      const name = `object-${count}`;
      const object = { metadata: { name, namespace }, data: { count: `${count}` } };
      if ((await this.#answered((options) => this.#client.configMaps.create(object, options))) === "yes")
        this.created.add(name);
      const old = [...this.created][this.#random.below(this.created.size)];
      if (old !== undefined && this.#random.below(5) === 0) {
        this.created.delete(old);
        const gone = await this.#answered((options) => this.#client.configMaps.delete(namespace, old, options));
        if (gone === "yes") this.deleted.add(old);
      }
      await delay(20);
    }
  }

  async #changeDeployments(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(3000 + this.#random.below(7000), undefined, { signal }).catch(() => undefined);
      const name = this.#random.below(2) === 0 ? "web" : "api";
      const replicas = 2 + this.#random.below(5);
      const env = [{ name: "CHANGE", value: `${this.#random.below(1_000_000)}` }];
      const rollout = { template: { spec: { containers: [{ name: "c", env }] } } };
      const spec = this.#random.below(2) === 0 ? { replicas } : rollout;
      await this.#answered((options) =>
        this.#client.deployments.patch(namespace, name, "strategic", { spec }, options),
      );
    }
  }

  async #addJobs(signal: AbortSignal): Promise<void> {
    for (let count = 0; !signal.aborted; count++) {
      const name = `job-${count}`;
      const completions = 2 + this.#random.below(8);
      const job: Job = {
        metadata: { name, namespace },
        spec: {
          ...{ completions, parallelism: 3, completionMode: "Indexed", backoffLimit: 1000 },
          template: template(name, "sleep 0.3", { restartPolicy: "Never", tolerations: impatient }),
        },
      };
      const added = await this.#answered((options) => this.#client.jobs.create(job, options));
      if (added === "yes") this.jobs.set(name, completions);
      await delay(5000 + this.#random.below(5000), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Whether the server said yes; "perhaps" when it did not answer in time. What it promised cannot be missing. */
  async #answered(
    request: (options: { readonly signal: AbortSignal }) => Promise<unknown>,
  ): Promise<"yes" | "perhaps"> {
    try {
      await request({ signal: AbortSignal.timeout(patienceMs) });
      return "yes";
    } catch (error) {
      if (isNotFound(error)) throw new Error("an object that was promised is not there", { cause: error });
      this.unanswered++;
      return "perhaps";
    }
  }
}
