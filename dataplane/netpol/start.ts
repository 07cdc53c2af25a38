import type { Clock, Log, Random } from "../../base/mod.ts";
import type { Pod } from "../../controlplane/api/mod.ts";
import { type Client, InformerFactory } from "../../controlplane/client/mod.ts";
import { NftTable, nftablesWork } from "../nftables/mod.ts";
import { enforcePolicies } from "./enforcer.ts";
import { frame } from "./frame.ts";

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

/** Holds the pods of a node to the NetworkPolicies that select them, in the network namespace this process is in. */
export async function startPolicies(options: StartPoliciesOptions): Promise<RunningPolicies> {
  if (options.enforceable && (await nftablesWork())) return enforcePolicies(options, new NftTable(frame));
  return complain(options);
}

/** Follows the policies for nothing but to say, once, that they do not hold here. */
function complain({ client, log, clock, random }: StartPoliciesOptions): RunningPolicies {
  const stopping = new AbortController();
  const informers = new InformerFactory({ log, clock, random });
  const leave = informers.informer(client.networkPolicies).addHandler({
    onAdd({ metadata }) {
      leave();
      const policy = `${metadata.namespace}/${metadata.name}`;
      log("warn", "NetworkPolicies are not enforced here: the pods have no network that could be filtered", { policy });
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
