import type { Random } from "../../../../base/mod.ts";
import type { SubresourceHandlers } from "../../handlers/resources.ts";
import type { Registry } from "../../registry/served.ts";
import type { KubeletOptions } from "../ask-kubelet.ts";
import { ClusterDialer } from "./cluster-dialer.ts";
import { podLocation, serviceLocation, splitName } from "./locations.ts";
import { nodeProxy } from "./node-proxy.ts";
import { passOn } from "./pass-on.ts";
import { attach, exec, portForward } from "./sessions.ts";

export interface ConnectOptions {
  readonly registry: Registry;
  readonly kubelet: KubeletOptions | undefined;
  readonly random: Random;
}

/** Subresources that connect a client with a container, a pod, a Service or a node. */
export function connectHandlers(options: ConnectOptions): Readonly<Record<string, SubresourceHandlers>> {
  const { registry, kubelet, random } = options;
  const dialer = new ClusterDialer(registry, kubelet);
  const session = (handle: typeof exec): SubresourceHandlers => {
    const both = (...[pods, call]: Parameters<NonNullable<SubresourceHandlers["get"]>>) => handle(pods, call, options);
    return { get: both, create: both };
  };
  return {
    "pods/exec": session(exec),
    "pods/attach": session(attach),
    "pods/portforward": session(portForward),
    "pods/proxy": allVerbs(async (pods, call) => {
      const name = splitName("pod", call.info.name);
      return passOn(call, await podLocation(pods, call.info.namespace, name), dialer);
    }),
    "services/proxy": allVerbs(async (services, call) => {
      const name = splitName("service", call.info.name);
      return passOn(call, await serviceLocation(registry, services, call.info.namespace, name, random), dialer);
    }),
    "nodes/proxy": allVerbs((nodes, call) => nodeProxy(nodes, call, kubelet, dialer)),
  };
}

function allVerbs(handle: NonNullable<SubresourceHandlers["get"]>): SubresourceHandlers {
  return { get: handle, create: handle, update: handle, patch: handle, delete: handle };
}
