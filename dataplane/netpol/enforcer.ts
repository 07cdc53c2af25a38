import { Syncer } from "../../base/mod.ts";
import { Informer, InformerFactory, sleep, systemClock, systemRandom } from "../../controlplane/client/mod.ts";
import type { TableContent } from "../nftables/mod.ts";
import { differs, EarlyPods, reduced } from "./known-pods.ts";
import { policyRules } from "./policy-rules.ts";
import type { RunningPolicies, StartPoliciesOptions } from "./start.ts";

/** Where rules go: a table of the kernel. */
export interface PolicyTable {
  sync(wanted: TableContent): Promise<void>;
}

/** How long a pod waits for its policies. */
const patienceMs = 2_000;

/** Keeps the rules of one node what policies, pods and namespaces make of them. */
export function enforcePolicies(
  options: Omit<StartPoliciesOptions, "enforceable">,
  table: PolicyTable,
): RunningPolicies {
  const { client, log, nodeName, clock = systemClock, random = systemRandom } = options;
  const stopping = new AbortController();
  const informers = new InformerFactory({ log, clock, random });
  const policies = informers.informer(client.networkPolicies);
  // Not of the factory: a cluster without policies does not have every node follow the pods of all others.
  const namespaces = new Informer(client.namespaces.resource, { log, clock, random });
  const pods = new Informer(client.pods, { log, clock, random, transform: reduced });
  const early = new EarlyPods();
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
      early.listed(pod);
      changed();
    },
    onUpdate(old, now) {
      early.listed(now);
      if (differs(old, now)) changed();
    },
    onDelete(last) {
      early.gone(last);
      changed();
    },
  });
  informers.start(stopping.signal);
  const synced = informers.synced(stopping.signal).then(() => syncer.now());
  synced.catch(() => undefined); // Stopped before the first list: whoever waits for `synced` hears of it.
  return {
    synced,
    async isolate(pod, address) {
      early.add(pod, address);
      // Without an API server nobody knows of policies, and pods that no policy may select have to start all the same.
      const inForce = synced.then(() => (policies.lister.size === 0 ? undefined : syncer.now()));
      await Promise.race([inForce.catch(() => undefined), sleep(clock, patienceMs)]);
    },
    async stop() {
      const stopped = syncer.stop();
      stopping.abort(new Error("the node stops"));
      await Promise.all([stopped, following, informers.stopped()]);
    },
  };
}
