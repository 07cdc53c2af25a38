import type { ServicePort } from "./service-ports.ts";

/** Makes connections to Services arrive at their backends; nftables rules or sockets of its own. */
export interface Proxier {
  /** Takes over the whole list; called again with the newest one after a failure. Never called twice at once. */
  sync(ports: readonly ServicePort[]): Promise<void>;
  stop(): Promise<void>;
}
