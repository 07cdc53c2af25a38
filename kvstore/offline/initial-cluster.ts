import { Failure } from "../../base/mod.ts";
import { clusterId, memberId } from "../server/ids.ts";
import type { ClusterMember } from "../server/membership.ts";

/** What the flags say of a cluster to be born. */
export interface InitialCluster {
  /** Peer URLs by member name. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  readonly token: string;
}

/** Its members in order of their ids, which are those that the same flags of `flotilla etcd` give. */
export function membersOf({ members, token }: InitialCluster): readonly ClusterMember[] {
  return [...members]
    .map(([name, peerUrls]) => ({ id: memberId(peerUrls, token), name, peerUrls, clientUrls: [], isLearner: false }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function idOf(members: readonly ClusterMember[]): bigint {
  return clusterId(members.map(({ id }) => id));
}

/** Throws a `Failure`, in etcd's words, if one member's flags do not fit. */
export function checkMember({ members }: InitialCluster, name: string, advertisePeerUrls: readonly string[]): void {
  const own = members.get(name);
  if (own === undefined)
    throw refused(`couldn't find local name ${JSON.stringify(name)} in the initial cluster configuration`);
  const missing = own.filter((url) => !advertisePeerUrls.includes(url));
  if (missing.length > 0) {
    const list = missing.map((url) => `${name}=${url}`).join(",");
    throw refused(
      `--initial-cluster has ${list} but missing from --initial-advertise-peer-urls=${advertisePeerUrls.join(",")}`,
    );
  }
  const extra = advertisePeerUrls.filter((url) => !own.includes(url));
  if (extra.length > 0) {
    const list = own.map((url) => `${name}=${url}`).join(",");
    throw refused(`--initial-advertise-peer-urls has ${extra.join(",")} but missing from --initial-cluster=${list}`);
  }
  const urls = [...members.values()].flat();
  if (new Set(urls).size < urls.length) {
    const list = [...members].flatMap(([member, own]) => own.map((url) => `${member}=${url}`)).join(",");
    throw refused(`initial cluster ${list} has duplicate url`);
  }
}

function refused(why: string): Failure {
  return new Failure("InitialClusterWrong", why, "Give each member its flags of --initial-cluster");
}
