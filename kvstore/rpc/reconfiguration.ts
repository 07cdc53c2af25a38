import type { EtcdErrorName } from "../../proto/mod.ts";
import type { ClusterMember } from "../server/membership.ts";

/** What decides whether the cluster can stand a change of its members now (`--strict-reconfig-check`). */
export interface Reconfiguration {
  readonly members: readonly ClusterMember[];
  /** Whether the connection to a member has stood long enough for it to count as healthy; of this member, true. */
  readonly isHealthy: (id: bigint) => boolean;
  /** Whether there is a connection. */
  readonly isConnected: (id: bigint) => boolean;
}

/** A new voter counts for the quorum before it has started: the others must be able to do without it, and be there. */
export function additionRefusal(
  { members, isHealthy }: Reconfiguration,
  isLearner: boolean,
): EtcdErrorName | undefined {
  const voters = members.filter((one) => !one.isLearner);
  // From one member to two there is no way that keeps a quorum without the new one.
  if (voters.length === 1 && voters.every(isStarted)) return undefined;
  const needed = quorum(voters.length + 1);
  if (!isLearner && voters.filter(isStarted).length < needed) return "MemberNotEnoughStarted";
  const isAlone = voters.length === 1;
  return isAlone || voters.filter(({ id }) => isHealthy(id)).length >= needed ? undefined : "Unhealthy";
}

/** Those that stay must have a quorum of members that have started, and, unless it is gone anyway, of healthy ones. */
export function removalRefusal(
  { members, isHealthy, isConnected }: Reconfiguration,
  id: bigint,
): EtcdErrorName | undefined {
  if (members.some((one) => one.id === id && one.isLearner)) return undefined;
  const voters = members.filter((one) => !one.isLearner);
  const left = voters.filter((one) => one.id !== id);
  if (left.filter(isStarted).length < quorum(left.length)) return "MemberNotEnoughStarted";
  if (!isConnected(id)) return undefined;
  const healthy = voters.filter((voter) => isHealthy(voter.id)).length;
  return healthy - 1 < quorum(voters.length - 1) ? "Unhealthy" : undefined;
}

function isStarted({ name }: ClusterMember): boolean {
  return name !== "";
}

function quorum(voters: number): number {
  return Math.floor(voters / 2) + 1;
}
