import { type Clock, type Log, type Random, Syncer } from "../../base/mod.ts";
import type { NetworkPolicy, Pod } from "../../controlplane/api/mod.ts";
import {
  type Client,
  Informer,
  InformerFactory,
  sleep,
  systemClock,
  systemRandom,
} from "../../controlplane/client/mod.ts";
import { NftTable, nftablesWork } from "../nftables/mod.ts";
import { frame } from "./frame.ts";
import { differs, EarlyPods, reduced } from "./known-pods.ts";
import { policyRules } from "./policy-rules.ts";

export interface StartPoliciesOptions {
  readonly client: Client;
  readonly log: Log;
  readonly nodeName: string;
  /** False where pods have no network of their own: policies cannot hold there, which is said once there are any. */
  readonly enforceable: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RunningPolicies {
  /** Resolves when every policy known at the start is in force. */
  readonly synced: Promise<void>;
  /**
   * Resolves when the policies that are known select the pod at its address, of which the API server need not know yet. To be awaited
   * between a pod's network and its first container. Never rejects: what could not be applied is logged and tried again.
   */
  isolate(pod: Pod, address: string): Promise<void>;
  /** The rules stay: connections that they forbid must not pass while the agent restarts. */
  stop(): Promise<void>;
}

/** How long a pod waits for the policies to become known. */
const patienceMs = 2_000;

/** Holds the pods of a node to the NetworkPolicies that select them, in the network namespace this process is in. */
export async function startPolicies(options: StartPoliciesOptions): Promise<RunningPolicies> {
  const { client, log, nodeName, clock = systemClock, random = systemRandom } = options;
  const stopping = new AbortController();
  const informers = new InformerFactory({ log, clock, random });
  const policies = informers.informer(client.networkPolicies);
  if (!options.enforceable || !(await nftablesWork())) {
    return unenforced(policies, informers, log, stopping);
  }
  // Not of the factory: a cluster without policies does not have every node follow the pods of all others.
  const namespaces = new Informer(client.namespaces.resource, { log, clock, random });
  const pods = new Informer(client.pods, { log, clock, random, transform: reduced });
  const early = new EarlyPods();
  const table = new NftTable(frame);
  let following: Promise<unknown> = Promise.resolve();
  const followPeers = async () => {
    following = Promise.all([namespaces.run(stopping.signal), pods.run(stopping.signal)]);
    // With half of the peers known, the other half would be shut out.
    await Promise.all([namespaces.synced(stopping.signal), pods.synced(stopping.signal)]);
  };
  const apply = async () => {
    if (policies.lister.size > 0) await followPeers();
    const world = {
      policies: policies.lister.list(),
      namespaces: namespaces.lister.list(),
      pods: early.amend(pods.lister.list()),
    };
    await table.sync(policyRules(world, nodeName));
  };
  const complaint = "could not apply the NetworkPolicies";
  const syncer = new Syncer(apply, { clock, log, complaint, gatherMs: 20, retryMs: 1_000 });
  const changed = () => {
    if (policies.hasSynced) syncer.changed();
  };
  for (const informer of [policies, namespaces])
    informer.addHandler({ onAdd: changed, onUpdate: changed, onDelete: changed });
  pods.addHandler({
    onAdd(pod) {
      if (pod.status?.podIP) early.settle(pod.metadata.uid);
      changed();
    },
    onUpdate(old, now) {
      if (now.status?.podIP) early.settle(now.metadata.uid);
      if (differs(old, now)) changed();
    },
    onDelete(last) {
      early.settle(last.metadata.uid);
      changed();
    },
  });
  informers.start(stopping.signal);
  const synced = informers.synced(stopping.signal).then(() => syncer.now());
  synced.catch(() => undefined); // Stopped before the first list: whoever waits for `synced` hears of it.
  return {
    synced,
    async isolate(pod, address) {
      // Without an API server nobody knows of policies, and pods that need none of it have to start all the same.
      if (!policies.hasSynced) await Promise.race([synced, sleep(clock, patienceMs)]).catch(() => undefined);
      if (policies.lister.size === 0) return;
      early.add(pod, address);
      await syncer.now();
    },
    async stop() {
      const stopped = syncer.stop();
      stopping.abort(new Error("the node stops"));
      await Promise.all([stopped, following, informers.stopped()]);
    },
  };
}

/** Follows the policies for nothing but to say that they do not hold here. */
function unenforced(
  policies: Informer<NetworkPolicy>,
  informers: InformerFactory,
  log: Log,
  stopping: AbortController,
): RunningPolicies {
  const leave = policies.addHandler({
    onAdd({ metadata }) {
      leave();
      const policy = `${metadata.namespace}/${metadata.name}`;
      log("warn", "NetworkPolicies are not enforced on this node: its pods have no network that could be filtered", {
        policy,
      });
    },
  });
  informers.start(stopping.signal);
  return {
    synced: Promise.resolve(),
    isolate: () => Promise.resolve(),
    async stop() {
      stopping.abort(new Error("the node stops"));
      await informers.stopped();
    },
  };
}
