import type { Pod } from "../../../controlplane/api/mod.ts";
import { isSidecar } from "./pod-ref.ts";

/** A port of the node that leads to a port of a pod. */
export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Empty: any of the node's addresses. */
  readonly hostIP: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** Of the containers that run beside each other; in the node's network its ports are the container's own. */
export function hostPortsOf(pod: Pod): HostPort[] {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ protocol = "TCP", hostIP = "", hostPort = 0, containerPort }) =>
      hostPort === 0 ? [] : [{ protocol, hostIP: hostIP === "0.0.0.0" ? "" : hostIP, hostPort, containerPort }],
    ),
  );
}

export function portsConflict(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.hostIP === "" || b.hostIP === "" || a.hostIP === b.hostIP;
  return a.protocol === b.protocol && a.hostPort === b.hostPort && sameAddress;
}
