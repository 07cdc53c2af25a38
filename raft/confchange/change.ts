import { type ConfChangeSingle, ConfChangeTransition, ConfChangeType, type ConfChangeV2, nobody } from "../types.ts";
import { checkMembership, isJoint, type Membership } from "./membership.ts";

export type ChangeResult =
  | { readonly ok: true; readonly membership: Membership }
  | { readonly ok: false; readonly reason: string };

/** The membership after `change`. Says why not, if it cannot be made from here. */
export function changeMembership(from: Membership, change: ConfChangeV2): ChangeResult {
  if (leavesJoint(change)) return leaveJoint(from);
  if (entersJoint(change)) {
    return enterJoint(
      from,
      change.changes,
      change.transition !== ConfChangeTransition.ConfChangeTransitionJointExplicit,
    );
  }
  return changeOne(from, change.changes);
}

export function leavesJoint(change: ConfChangeV2): boolean {
  return change.changes.length === 0 && change.transition === ConfChangeTransition.ConfChangeTransitionAuto;
}

function entersJoint(change: ConfChangeV2): boolean {
  return change.changes.length > 1 || change.transition !== ConfChangeTransition.ConfChangeTransitionAuto;
}

/** Any two majorities of the old and the new voters overlap, because at most one voter differs (thesis §4.1). */
function changeOne(from: Membership, changes: readonly ConfChangeSingle[]): ChangeResult {
  if (isJoint(from)) return refuse("a joint configuration is left before anything else changes");
  const result = apply(from, changes);
  if (result.ok && from.voters.symmetricDifference(result.membership.voters).size > 1) {
    return refuse("more than one voter changes without a joint configuration");
  }
  return result;
}

function enterJoint(from: Membership, changes: readonly ConfChangeSingle[], autoLeave: boolean): ChangeResult {
  if (isJoint(from)) return refuse("the configuration is joint already");
  if (from.voters.size === 0) return refuse("a configuration without voters cannot become joint");
  return apply({ ...from, votersOutgoing: from.voters, autoLeave }, changes);
}

function leaveJoint(from: Membership): ChangeResult {
  if (!isJoint(from)) return refuse("there is no joint configuration to leave");
  return checked({
    voters: from.voters,
    votersOutgoing: new Set(),
    learners: from.learners.union(from.learnersNext),
    learnersNext: new Set(),
    autoLeave: false,
  });
}

function apply(from: Membership, changes: readonly ConfChangeSingle[]): ChangeResult {
  const voters = new Set(from.voters);
  const learners = new Set(from.learners);
  const learnersNext = new Set(from.learnersNext);
  for (const { type, nodeId } of changes) {
    if (nodeId === nobody) continue; // a change that its host has called off
    if (type === ConfChangeType.ConfChangeUpdateNode) continue; // addresses are the host's business
    voters.delete(nodeId);
    learners.delete(nodeId);
    learnersNext.delete(nodeId);
    if (type === ConfChangeType.ConfChangeAddNode) voters.add(nodeId);
    else if (type === ConfChangeType.ConfChangeAddLearnerNode) {
      (from.votersOutgoing.has(nodeId) ? learnersNext : learners).add(nodeId);
    }
  }
  if (voters.size === 0) return refuse("no voter would be left");
  return checked({ ...from, voters, learners, learnersNext });
}

function checked(membership: Membership): ChangeResult {
  checkMembership(membership);
  return { ok: true, membership };
}

function refuse(reason: string): ChangeResult {
  return { ok: false, reason };
}
