import type { Pod } from "../../../controlplane/api/mod.ts";

/** A host name of Linux has no more. */
const maxHostname = 64;

/** The name containers see; throws when it shall be that of the DNS and that is too long for a kernel. */
export function sandboxHostname(pod: Pod, clusterDomain: string): string {
  const hostname = podHostname(pod);
  const domain = podDomain(pod, clusterDomain);
  if (pod.spec.setHostnameAsFQDN !== true || domain === undefined) return hostname;
  const full = `${hostname}.${domain}`;
  if (full.length <= maxHostname) return full;
  throw new Error(
    `failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (${maxHostname} is the max, ${full.length} characters requested)`,
  );
}

/** The pod's own part of it; a long one is cut to what the kernel takes. */
export function podHostname(pod: Pod): string {
  const name = pod.spec.hostname !== undefined && pod.spec.hostname !== "" ? pod.spec.hostname : pod.metadata.name;
  return name.slice(0, 63).replace(/[-.]+$/, "");
}

/** Name of the pod in the cluster's DNS; undefined without a subdomain. */
function podDomain(pod: Pod, clusterDomain: string): string | undefined {
  const { subdomain = "" } = pod.spec;
  return subdomain === "" ? undefined : `${subdomain}.${pod.metadata.namespace ?? "default"}.svc.${clusterDomain}`;
}

/** /etc/hosts of a pod's containers. Those in the node's network get the node's own file, here as `hostFile`. */
export function hostsFile(pod: Pod, podIP: string, clusterDomain: string, hostFile: string | undefined): string {
  const lines = [
    hostFile === undefined ? "# Kubernetes-managed hosts file." : "# Kubernetes-managed hosts file (host network).",
  ];
  if (hostFile !== undefined) lines.push(hostFile.replace(/\n$/, ""));
  else {
    lines.push(
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::0\tip6-localnet",
      "fe00::0\tip6-mcastprefix",
      "fe00::1\tip6-allnodes",
      "fe00::2\tip6-allrouters",
    );
    const hostname = podHostname(pod);
    const domain = podDomain(pod, clusterDomain);
    lines.push(domain === undefined ? `${podIP}\t${hostname}` : `${podIP}\t${hostname}.${domain}\t${hostname}`);
  }
  const aliases = pod.spec.hostAliases ?? [];
  if (aliases.length > 0) lines.push("", "# Entries added by HostAliases.");
  for (const { ip, hostnames = [] } of aliases) lines.push(`${ip}\t${hostnames.join("\t")}`);
  return `${lines.join("\n")}\n`;
}
