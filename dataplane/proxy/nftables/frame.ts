import type { Frame } from "../../nftables/mod.ts";

/** kube-proxy's table and bit, so that people who look find what they know. */
export const tableName = "ip kube-proxy";
export const masqueradeMark = "0x4000";

/** What the rules have to know of the network they are in. */
export interface Network {
  /** Addresses of pods: what comes from elsewhere is masqueraded. */
  readonly clusterCIDR: string;
  /** Where node ports are answered. */
  readonly nodeIP: string;
  /** Connections to addresses of this range that no Service has are dropped. */
  readonly serviceCIDR?: string;
}

/**
 * The table with its base chains. Names and layout are those of kube-proxy's nftables mode (pkg/proxy/nftables), so that its
 * documentation holds here; priorities as numbers, as nft 1.0.6 refuses `dstnat` in the output hook.
 */
export function frame({ serviceCIDR }: Network): Frame {
  return {
    table: tableName,
    body: `  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  map service-nodeports { type inet_proto . inet_service : verdict; }
  map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
  map firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  set cluster-ips { type ipv4_addr; }
  set nodeport-ips { type ipv4_addr; }
  chain reject-chain {
    reject
  }
  chain services {
    ip daddr . meta l4proto . th dport vmap @service-ips
    ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
  }
  chain service-endpoints-check {
    ip daddr . meta l4proto . th dport vmap @no-endpoint-services
  }
  chain nodeport-endpoints-check {
    ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
  }
  chain cluster-ips-check {
    ip daddr @cluster-ips reject
${serviceCIDR === undefined ? "" : `    ip daddr ${serviceCIDR} drop\n`}  }
  chain firewall-check {
    ip daddr . meta l4proto . th dport vmap @firewall-ips
  }
  chain masquerading {
    meta mark and ${masqueradeMark} == 0 return
    meta mark set meta mark xor ${masqueradeMark}
    masquerade fully-random
  }
  chain filter-prerouting-pre-dnat {
    type filter hook prerouting priority -110; policy accept;
    ct state new jump firewall-check
  }
  chain filter-output-pre-dnat {
    type filter hook output priority -110; policy accept;
    ct state new jump firewall-check
  }
  chain nat-prerouting {
    type nat hook prerouting priority -100; policy accept;
    jump services
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain nat-postrouting {
    type nat hook postrouting priority 100; policy accept;
    jump masquerading
  }
  chain filter-input {
    type filter hook input priority 0; policy accept;
    ct state new jump nodeport-endpoints-check
    ct state new jump service-endpoints-check
  }
  chain filter-forward {
    type filter hook forward priority 0; policy accept;
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }
  chain filter-output {
    type filter hook output priority 0; policy accept;
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }`,
  };
}
