import { readFileSync } from "node:fs";
import { Failure, fromUtf8, type Log, toUtf8 } from "../base/mod.ts";
import { connect, type EtcdClient, prefixEnd } from "../kvstore/client/mod.ts";
import { memberIdOf } from "../kvstore/mod.ts";
import type { EtcdArguments } from "./etcd-arguments.ts";
import type { PlainOptions } from "./etcd-options.ts";

interface Registered {
  readonly key: string;
  /** `NAME=URL,NAME=URL`. */
  readonly urls: string;
  readonly createRevision: number;
}

/**
 * etcd's v3 discovery: members of a cluster that is to be meet in another store. Somebody has put there how many they will be
 * (`/_etcd/registry/TOKEN/_config/size`); each adds itself (`…/members/ID`) and waits for the others. Who comes first belongs to it.
 * Gives what `--initial-cluster` would say.
 */
export async function joinByDiscovery(
  flags: EtcdArguments,
  options: PlainOptions,
  log: Log,
): Promise<readonly string[]> {
  const client = clientOf(flags);
  const prefix = `/_etcd/registry/${options.initialClusterToken}`;
  const self = `${prefix}/members/${memberIdOf(options.advertisePeerUrls, options.initialClusterToken).toString(16)}`;
  try {
    const size = await sizeOf(client, `${prefix}/_config/size`);
    refuseLate(await membersOf(client, prefix), self, size);
    const urls = options.advertisePeerUrls.map((url) => `${options.name}=${url}`).join(",");
    await client.kv.put({ key: toUtf8(self), value: toUtf8(urls) });
    log("info", "register member itself successfully", { memberKey: self, memberInfo: urls });
    const members = await untilComplete(client, prefix, size, log);
    refuseLate(members, self, size);
    return members.slice(0, size).flatMap((member) => member.urls.split(","));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw refused((error as Error).message);
  } finally {
    await client.close();
  }
}

function clientOf(flags: EtcdArguments): EtcdClient {
  const file = (name: "discovery-cacert" | "discovery-cert" | "discovery-key") => {
    const path = flags.text(name);
    return path === "" ? undefined : readFileSync(path, "utf8");
  };
  const [name = "", password = flags.text("discovery-password")] = flags.text("discovery-user").split(":");
  const insecureSkipVerify = flags.switch("discovery-insecure-skip-tls-verify");
  return connect({
    endpoints: flags.list("discovery-endpoints"),
    dialTimeoutMs: flags.duration("discovery-dial-timeout"),
    timeoutMs: flags.duration("discovery-request-timeout"),
    tls: { ca: file("discovery-cacert"), cert: file("discovery-cert"), key: file("discovery-key"), insecureSkipVerify },
    ...(name !== "" && { auth: { name, password } }),
  });
}

async function sizeOf(client: EtcdClient, key: string): Promise<number> {
  const [found] = (await client.kv.range({ key: toUtf8(key) })).kvs;
  if (found === undefined) throw refused("discovery: size key not found");
  const size = Number(fromUtf8(found.value));
  if (!Number.isInteger(size) || size < 1) throw refused("discovery: size key is bad");
  return size;
}

/** The first to come first. */
async function membersOf(client: EtcdClient, prefix: string): Promise<readonly Registered[]> {
  const key = toUtf8(`${prefix}/members`);
  const { kvs } = await client.kv.range({ key, rangeEnd: prefixEnd(key) });
  return kvs
    .map((kv) => ({ key: fromUtf8(kv.key), urls: fromUtf8(kv.value).trim(), createRevision: kv.createRevision }))
    .sort((a, b) => a.createRevision - b.createRevision);
}

function refuseLate(members: readonly Registered[], self: string, size: number): void {
  const place = members.findIndex(({ key }) => key === self);
  if (place >= size || (place === -1 && members.length >= size)) throw refused("discovery: cluster is full");
}

async function untilComplete(
  client: EtcdClient,
  prefix: string,
  size: number,
  log: Log,
): Promise<readonly Registered[]> {
  const key = toUtf8(`${prefix}/members`);
  const done = new AbortController();
  try {
    // Looks again at every change: the watch begins before the first look, so none is missed.
    for await (const _ of client.watch.iterate({ key, rangeEnd: prefixEnd(key) }, done.signal)) {
      const members = await membersOf(client, prefix);
      if (members.length >= size) return members;
      log("info", "waiting for peers from discovery service", { clusterSize: size, "found-peers": members.length });
    }
  } finally {
    done.abort();
  }
  throw refused("the discovery service ended the watch");
}

function refused(why: string): Failure {
  const advice = "Check --discovery-endpoints; use each --discovery-token for one cluster";
  return new Failure("DiscoveryFailed", why, advice);
}
