import type { Plugin } from "../framework/plugin.ts";
import { type HostPort, hostPortsOf } from "../pod-info.ts";

const anyAddress = "0.0.0.0";

function conflicts(a: HostPort, b: HostPort): boolean {
  return (
    a.port === b.port &&
    a.protocol === b.protocol &&
    (a.address === b.address || a.address === anyAddress || b.address === anyAddress)
  );
}

/** Two pods on a node cannot have the same host port of one protocol on the same address. */
export const nodePorts: Plugin = {
  name: "NodePorts",
  preFilter: (pod) => (pod.hostPorts.length === 0 ? "skip" : undefined),
  filter(pod, node) {
    for (const other of node.pods.values()) {
      if (other.hostPorts.some((used) => pod.hostPorts.some((wanted) => conflicts(wanted, used)))) {
        return { reasons: ["node(s) didn't have free ports for the requested pod ports"], unresolvable: false };
      }
    }
    return undefined;
  },
  signature: (pod) => pod.hostPorts,
  events: new Set(["NodeAdd", "AssignedPodDelete"]),
  mayHelp(event, pod) {
    if (event.kind === "NodeAdd") return true;
    if (event.kind !== "AssignedPodDelete") return false;
    return hostPortsOf(event.pod).some((freed) => pod.hostPorts.some((wanted) => conflicts(wanted, freed)));
  },
};
