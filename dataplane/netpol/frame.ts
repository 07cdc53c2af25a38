import type { Frame } from "../nftables/mod.ts";

/**
 * Every packet from, to, or between pods of this node is forwarded once, after Services have been resolved and before any source address
 * is masqueraded: here both ends have their own addresses. What the node itself sends to its pods, probes above all, or receives from
 * them, is not forwarded and so not bound by any policy, as the documentation of NetworkPolicy demands.
 */
export const frame: Frame = {
  table: "ip flotilla-policies",
  body: `  map egress-pods { type ipv4_addr : verdict; }
  map ingress-pods { type ipv4_addr : verdict; }
  set own { type ipv4_addr . ipv4_addr; }
  chain forward {
    type filter hook forward priority 5; policy accept;
    ct state established,related accept
    ip saddr . ip daddr @own accept
    ip saddr vmap @egress-pods
    ip daddr vmap @ingress-pods
  }`,
};
