import type { Pod } from "../../../controlplane/api/mod.ts";
import type { DnsConfig } from "../runtime/cri.ts";
import { isHostNetwork } from "./pod-ref.ts";

export interface ClusterDns {
  readonly servers: readonly string[];
  readonly domain: string;
}

const maxServers = 3;
const maxSearches = 32;
const maxSearchLength = 2048;

/** resolv.conf of a pod by its dnsPolicy, with dnsConfig on top (pkg/kubelet/network/dns). `host`: the node's own resolv.conf. */
export function podDns(pod: Pod, cluster: ClusterDns, host: string): DnsConfig {
  const own = parseResolvConf(host);
  const config = pod.spec.dnsConfig;
  const base = baseDns(pod, cluster, own);
  const options = new Map(base.options.map((option) => [option.split(":")[0] as string, option]));
  for (const { name = "", value } of config?.options ?? [])
    options.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: [...new Set([...base.servers, ...(config?.nameservers ?? [])])].slice(0, maxServers),
    searches: fitting([...new Set([...base.searches, ...(config?.searches ?? [])])].slice(0, maxSearches)),
    options: [...options.values()],
  };
}

function baseDns(pod: Pod, cluster: ClusterDns, own: DnsConfig): DnsConfig {
  const policy = pod.spec.dnsPolicy ?? "ClusterFirst";
  if (policy === "None") return { servers: [], searches: [], options: [] };
  const clusterFirst = policy === "ClusterFirstWithHostNet" || (policy === "ClusterFirst" && !isHostNetwork(pod));
  if (!clusterFirst || cluster.servers.length === 0) return own;
  const namespace = pod.metadata.namespace ?? "default";
  const { domain } = cluster;
  return {
    servers: cluster.servers,
    searches: [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...own.searches],
    options: ["ndots:5"],
  };
}

function fitting(searches: string[]): string[] {
  while (searches.join(" ").length > maxSearchLength) searches.pop();
  return searches;
}

/** Comments and what is not understood are left out. */
function parseResolvConf(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: string[] = [];
  const options: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && words[0] !== undefined) servers.push(words[0]);
    else if (keyword === "search") searches = words.map((word) => (word === "." ? word : word.replace(/\.$/, "")));
    else if (keyword === "options") options.push(...words);
  }
  return { servers, searches, options };
}
