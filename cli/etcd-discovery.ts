import { resolve4, resolve6, resolveSrv } from "node:dns/promises";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Failure, type Log } from "../base/mod.ts";
import type { EtcdArguments } from "./etcd-arguments.ts";
import { clusterOf, type PlainOptions } from "./etcd-options.ts";

/** Who the members of a new cluster are, where the flags leave it to a discovery service or the DNS. A member with a log knows. */
export async function initialMembers(flags: EtcdArguments, options: PlainOptions, log: Log): Promise<PlainOptions> {
  if (hasLog(options)) return options;
  if (flags.text("discovery-endpoints") !== "") {
    const { joinByDiscovery } = await import("./etcd-discovery-service.ts");
    const initialClusterToken = flags.text("discovery-token");
    const initialCluster = clusterOf(await joinByDiscovery(flags, { ...options, initialClusterToken }, log));
    return { ...options, initialClusterToken, initialCluster };
  }
  const domain = flags.text("discovery-srv");
  if (domain === "") return options;
  return { ...options, initialCluster: await clusterOfDomain(domain, flags.text("discovery-srv-name"), options, log) };
}

function hasLog({ dataDir, walDir = join(dataDir, "member", "wal") }: PlainOptions): boolean {
  try {
    return readdirSync(walDir).some((name) => name.endsWith(".wal"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** The DNS, as far as it is asked here. */
export interface Dns {
  /** Rejects if there is no such record. */
  srv(name: string): Promise<readonly { readonly name: string; readonly port: number }[]>;
  /** None if the host is not known. */
  addresses(host: string): Promise<readonly string[]>;
}

const systemDns: Dns = {
  srv: resolveSrv,
  async addresses(host) {
    return (await Promise.all([resolve4(host).catch(() => []), resolve6(host).catch(() => [])])).flat();
  },
};

/**
 * From the SRV records `_etcd-server-ssl._tcp` and `_etcd-server._tcp` of the domain. The record that leads to an advertised peer URL
 * of this member gets its name; the others are numbered, and tell their names when they are there.
 */
export async function clusterOfDomain(
  domain: string,
  suffix: string,
  { name, advertisePeerUrls }: Pick<PlainOptions, "name" | "advertisePeerUrls">,
  log: Log,
  dns: Dns = systemDns,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const service = (first: string) => `_${first}${suffix === "" ? "" : `-${suffix}`}._tcp.${domain}`;
  const own = new Set((await Promise.all(advertisePeerUrls.map((url) => addressesOf(url, dns)))).flat());
  const members: string[] = [];
  const problems: string[] = [];
  for (const [scheme, record] of [
    ["https", service("etcd-server-ssl")],
    ["http", service("etcd-server")],
  ] as const) {
    try {
      for (const target of await dns.srv(record)) {
        const url = `${scheme}://${target.name}:${target.port}`;
        const isOwn = (await addressesOf(url, dns)).some((address) => own.has(address));
        members.push(`${isOwn ? name : members.length}=${url}`);
      }
      log("info", "got bootstrap from DNS for etcd-server", { record, "found-cluster": members.join() });
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  const found = clusterOf(members);
  if (found.has(name)) return found;
  const why =
    members.length === 0 ? problems.join("; ") : `cannot find local etcd member ${JSON.stringify(name)} in SRV records`;
  throw new Failure(
    "DiscoveryFailed",
    why,
    "Check the SRV records of --discovery-srv, and --initial-advertise-peer-urls",
  );
}

/** `10.0.0.1:2380` for each address of the URL's host. */
async function addressesOf(url: string, dns: Dns): Promise<string[]> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const found = await dns.addresses(host);
  return [...new Set([host, ...found])].map((address) => `${address}:${port}`);
}
