import { seededRandom, VirtualClock } from "../../../base/mod.ts";
import type { Pod } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { FakeApiServer } from "../../client/fake.testing.ts";
import { type Client, InformerFactory, timestamp } from "../../client/mod.ts";
import { type Controller, type ControllerContext, runController } from "./controller.ts";

/** What becomes of a pod that has just been given to a node; undefined: it stays as it is. */
export type Fate = (pod: Pod) => "ready" | "Succeeded" | "Failed" | undefined;

/** Controllers of choice against the in-memory API server in virtual time, and kubelets that do what the test says. */
export class TestCluster {
  readonly clock = new VirtualClock(Date.UTC(2030, 0, 1));
  readonly server = new FakeApiServer(this.clock);
  readonly client: Client;
  readonly logged: string[] = [];
  /** Becomes of pods what the kubelets say, once per round. */
  fate: Fate = () => "ready";
  /** As they were after the last run. */
  pods: Pod[] = [];
  readonly #stops: (() => Promise<void>)[] = [];

  constructor() {
    this.client = this.server.client({ random: seededRandom(1) });
  }

  /** Runs controllers with caches of their own until the returned function is called. */
  async start(
    make: (context: ControllerContext) => Controller | Controller[],
    client = this.client,
  ): Promise<() => Promise<void>> {
    const stopping = new AbortController();
    const { clock } = this;
    const random = seededRandom(2);
    const log = (level: string, message: string, fields: Record<string, unknown> = {}) =>
      void this.logged.push(`${level} ${message} ${String(fields.error ?? "")}`);
    const informers = new InformerFactory({ log, clock, random });
    const controllers = [make({ client, informers, clock, random, log })].flat();
    informers.start(stopping.signal);
    await settle();
    await informers.synced(stopping.signal);
    const running = controllers.map((controller) => runController(controller, stopping.signal));
    const stop = async () => {
      stopping.abort(new Error("the test stops it"));
      await Promise.all(running);
    };
    this.#stops.push(stop);
    await settle();
    return stop;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop();
  }

  /** Rounds of a second: controllers work, then the scheduler and the kubelets. */
  async run(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await settle();
      await this.kubelets();
      this.clock.advance(1000);
      await settle();
    }
    this.pods = (await this.client.pods.list()).items;
  }

  /** One look of the scheduler and all kubelets: pods get a node, new ones start or end as `fate` says, terminating ones go. */
  async kubelets(): Promise<void> {
    for (const pod of (await this.client.pods.list()).items) {
      const { namespace, name, deletionTimestamp } = pod.metadata;
      if (deletionTimestamp !== undefined) {
        const held = (pod.metadata.finalizers ?? []).length > 0;
        if (held && (pod.status?.phase === "Pending" || pod.status?.phase === "Running"))
          await this.setStatus(pod, "Failed");
        await this.client.pods.delete(namespace, name, { gracePeriodSeconds: 0 });
        continue;
      }
      if (pod.spec.nodeName === undefined) {
        const target = { apiVersion: "v1", kind: "Node", name: nodeOf(pod) ?? "n1" };
        await this.client.bind(namespace ?? "", name ?? "", { metadata: { name: name ?? "" }, target });
      }
      if (pod.status?.phase !== "Pending" && pod.status?.phase !== "Running") continue;
      const fate = this.fate(pod);
      if (fate === undefined || (fate === "ready" && pod.status.phase === "Running")) continue;
      await this.setStatus(pod, fate);
    }
  }

  async setStatus({ metadata }: Pod, fate: "ready" | "unready" | "Succeeded" | "Failed", exitCode = 1): Promise<void> {
    const now = timestamp(this.clock.now());
    const pod = await this.client.pods.get(metadata.namespace, metadata.name);
    const runs = fate === "ready" || fate === "unready";
    const state = runs
      ? { running: { startedAt: now } }
      : { terminated: { exitCode: fate === "Failed" ? exitCode : 0, finishedAt: now } };
    pod.status = {
      phase: runs ? "Running" : fate,
      conditions: [{ type: "Ready", status: fate === "ready" ? "True" : "False", lastTransitionTime: now }],
      containerStatuses: [{ name: "c", ready: fate === "ready", restartCount: 0, image: "x", imageID: "x", state }],
    };
    await this.client.pods.updateStatus(pod);
  }

  /** Messages of the events about an object. */
  async eventsAbout(name: string): Promise<string[]> {
    await settle();
    const { items } = await this.client.events.list();
    return items
      .filter(({ involvedObject }) => involvedObject.name === name)
      .map(({ reason, message }) => `${reason}: ${message}`);
  }
}

/** The node that a pod asks for by name. */
function nodeOf({ spec }: Pod): string | undefined {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
}

/** A template of one container, labelled `app: web`. */
export function webTemplate(image = "v1") {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } };
}
