import type { Clock, Log, Timer } from "../../../base/mod.ts";
import { microTimeAt, type Node, type NodeStatus } from "../../../controlplane/api/mod.ts";
import { type Client, isAlreadyExists, isNotFound } from "../../../controlplane/client/mod.ts";
import { newNode, sameConditions, sameNodeStatus } from "./node-status.ts";

export interface NodeAgentOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  /** Reads the node's state now, given what the API says of it. */
  readonly status: (previous: NodeStatus) => Promise<NodeStatus>;
  readonly onRegistered: (node: Node) => void;
}

const checkEveryMs = 10_000;
/** Without a change the status is written this often; the Lease is the heartbeat. */
const reportEveryMs = 300_000;
const leaseSeconds = 40;
const renewEveryMs = 10_000;
const retryMs = [200, 400, 800, 1_600, 3_200, 7_000] as const;

/** Makes the node known, says how it is, and shows that it lives (kubelet_node_status.go, component-helpers/apimachinery/lease). */
export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #stop = new AbortController();
  readonly #timers = new Map<string, Timer>();
  #reported: NodeStatus = {};
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #uid: string | undefined;
  #reporting: Promise<void> = Promise.resolve();

  constructor(options: NodeAgentOptions) {
    this.#options = options;
  }

  start(): void {
    this.#repeat("register", 0, async () => {
      await this.#register();
      this.#repeat("status", checkEveryMs, () => this.report(), checkEveryMs);
      this.#repeat("lease", 0, () => this.#renew(), renewEveryMs);
    });
  }

  stop(): void {
    this.#stop.abort();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** Writes the status if it has changed; called early when something did. */
  report(): Promise<void> {
    const report = () => this.#report();
    // Whoever asked for the one before has heard how it went; this one is tried in any case.
    this.#reporting = this.#reporting.then(report, report);
    return this.#reporting;
  }

  /** Runs now and then, or once; what fails is tried again soon, whatever the reason. */
  #repeat(name: string, delayMs: number, action: () => Promise<void>, everyMs?: number, failures = 0): void {
    if (this.#stop.signal.aborted) return;
    const run = async () => {
      try {
        await action();
        if (everyMs !== undefined) this.#repeat(name, everyMs, action, everyMs);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#options.log(
          "warn",
          `could not ${name === "register" ? "register the node" : `write the node's ${name}`}; trying again`,
          { error: (error as Error).message },
        );
        this.#repeat(name, retryMs[Math.min(failures, retryMs.length - 1)] as number, action, everyMs, failures + 1);
      }
    };
    this.#timers.set(
      name,
      this.#options.clock.after(delayMs, () => void run()),
    );
  }

  async #register(): Promise<void> {
    const { client, nodeName, labels, annotations } = this.#options;
    const status = await this.#options.status({});
    const fresh = newNode(nodeName, labels, status);
    fresh.metadata.annotations = annotations;
    let node: Node;
    try {
      node = await client.nodes.create(fresh, { signal: this.#stop.signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      // Our own name from before: what others have put on it stays.
      node = await client.nodes.patch(
        nodeName,
        "merge",
        { metadata: { labels, annotations } },
        { signal: this.#stop.signal },
      );
    }
    this.#uid = node.metadata.uid;
    this.#reported = node.status ?? {};
    this.#options.onRegistered(node);
    await this.#report();
  }

  async #report(): Promise<void> {
    const { client, clock, nodeName } = this.#options;
    if (this.#uid === undefined) return;
    const signal = this.#stop.signal;
    try {
      // What others say of it counts: who lost sight of the node has declared it unknown, and it must contradict.
      const said = (await client.nodes.get(nodeName, { signal })).status ?? {};
      const status = await this.#options.status(said);
      const now = clock.monotonic();
      const isNews = !sameNodeStatus(status, this.#reported) || !sameConditions(status, said);
      if (!isNews && now - this.#reportedAtMs < reportEveryMs) return;
      await client.nodes.patch(nodeName, "strategic", { status: replacing(status) }, { subresource: "status", signal });
      this.#reported = status;
      this.#reportedAtMs = now;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Somebody has deleted the node, but here it is.
      this.#uid = undefined;
      return this.#register();
    }
  }

  async #renew(): Promise<void> {
    const { client, clock, nodeName } = this.#options;
    const namespace = "kube-node-lease";
    const signal = this.#stop.signal;
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime: microTimeAt(clock.now()) };
    try {
      await client.leases.patch(namespace, nodeName, "merge", { spec }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const owner = { apiVersion: "v1", kind: "Node", name: nodeName, uid: this.#uid ?? "" };
      const metadata = { name: nodeName, namespace, ownerReferences: [owner] };
      await client.leases.create({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec }, { signal });
    }
  }
}

/** Addresses are exactly these, not merged with those from before. */
function replacing(status: NodeStatus): object {
  return { ...status, addresses: [{ $patch: "replace" }, ...(status.addresses ?? [])] };
}
