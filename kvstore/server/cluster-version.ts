import type { Downgrade } from "./membership.ts";
import { compareVersions, downgradeOf, minorOf } from "./version.ts";

/** What the leader knows. */
export interface VersionsSeen {
  /** The cluster's, such as "3.7.0"; undefined before the first was set. */
  readonly cluster: string | undefined;
  /** Of each member; undefined of one that has not said it yet. */
  readonly members: readonly (string | undefined)[];
  readonly downgrade: Downgrade;
  /** Members have had their time: those that said nothing do not count for the first version. */
  readonly patienceIsOver: boolean;
}

/** The version the cluster should have now, if that is another: the lowest that a member runs, and never lower than it was, except by a
 * downgrade, which is one minor version down, at once, before any member is restarted with it. */
export function decideClusterVersion({
  cluster,
  members,
  downgrade,
  patienceIsOver,
}: VersionsSeen): string | undefined {
  const known = members.filter((version) => version !== undefined);
  const lowest = known.map(minorOf).sort(compareVersions)[0];
  if (lowest === undefined) return undefined;
  const allKnown = known.length === members.length;
  if (cluster === undefined) return allKnown || patienceIsOver ? lowest : undefined;
  if (downgrade.enabled) {
    const isStep =
      allKnown && downgrade.targetVersion === downgradeOf(cluster) && downgrade.targetVersion === downgradeOf(lowest);
    return isStep ? downgrade.targetVersion : undefined;
  }
  return (allKnown || patienceIsOver) && compareVersions(cluster, lowest) < 0 ? lowest : undefined;
}

/** All members run the version that the cluster was taken down to. */
export function downgradeIsDone({ members, downgrade }: Pick<VersionsSeen, "members" | "downgrade">): boolean {
  return (
    downgrade.enabled &&
    members.every((version) => version !== undefined && minorOf(version) === downgrade.targetVersion)
  );
}
