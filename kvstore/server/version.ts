import { Failure } from "../../base/mod.ts";

// Versions are "3.7.1"; what comes behind the third number ("-alpha.0") does not count.

/** Major and minor, with 0 behind: what a cluster and its storage have. */
export function minorOf(version: string): string {
  const [major, minor] = numbersOf(version);
  return `${major}.${minor}.0`;
}

/** As `compare` of an array's sort. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** The only version that a cluster may be taken down to: one minor lower. */
export function downgradeOf(version: string): string {
  const [major, minor] = numbersOf(version);
  return `${major}.${minor - 1}.0`;
}

/** Why a member may not take part in a cluster; undefined if it may. etcd says it in these words. */
export function tooLowFor(cluster: string | undefined, version: string): Failure | undefined {
  if (cluster === undefined || compareVersions(minorOf(version), cluster) >= 0) return undefined;
  return new Failure(
    "VersionTooLow",
    `invalid downgrade; server version is lower than determined cluster version: current-server-version ${version}, determined-cluster-version ${cluster}`,
    "Begin a downgrade first (etcdctl downgrade enable), or start it with its former version",
  );
}

/** What a client wrote: "3.6.0", "3.6", "v3.6.1"; as major and minor with 0 behind. Undefined if it is no version. */
export function parseVersion(text: string): string | undefined {
  return /^v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(text)
    ? minorOf(text.replace(/^v/, ""))
    : undefined;
}

function numbersOf(version: string): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split(/[-+]/, 1)[0]!.split(".").map(Number);
  return [major, minor, patch];
}
