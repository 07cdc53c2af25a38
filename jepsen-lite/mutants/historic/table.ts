import type { SeededBug } from "../bug.ts";
import type { HistoricBug } from "./bug.ts";
import { appliedIndex } from "./bugs/applied-index.ts";
import { authAppliedTwice } from "./bugs/auth-applied-twice.ts";
import { authSnapshot } from "./bugs/auth-snapshot.ts";
import { changeAfterChange } from "./bugs/change-after-change.ts";
import { compactionAfterDefragment } from "./bugs/compaction-after-defragment.ts";
import { compactionStall } from "./bugs/compaction-stall.ts";
import { countWithLimit } from "./bugs/count-with-limit.ts";
import { defragmentCrash } from "./bugs/defragment-crash.ts";
import { duplicateEvents } from "./bugs/duplicate-events.ts";
import { earlyProgress } from "./bugs/early-progress.ts";
import { joinedAndRestarted } from "./bugs/joined-and-restarted.ts";
import { lateReadIndex } from "./bugs/late-read-index.ts";
import { leaseCutShort } from "./bugs/lease-cut-short.ts";
import { leaseStartsOver } from "./bugs/lease-starts-over.ts";
import { lockAfterPause } from "./bugs/lock-after-pause.ts";
import { lockWithoutLease } from "./bugs/lock-without-lease.ts";
import { lostAtCompaction } from "./bugs/lost-at-compaction.ts";
import { lostTombstone } from "./bugs/lost-tombstone.ts";
import { lostTrackOfLeases } from "./bugs/lost-track-of-leases.ts";
import { membersLeftBehind } from "./bugs/members-left-behind.ts";
import { membershipSnapshot } from "./bugs/membership-snapshot.ts";
import { noSpaceAtApply } from "./bugs/no-space-at-apply.ts";
import { oldEvents } from "./bugs/old-events.ts";
import { oldLeaderRenews } from "./bugs/old-leader-renews.ts";
import { oldLeaderRevokes } from "./bugs/old-leader-revokes.ts";
import { openEndedWatch } from "./bugs/open-ended-watch.ts";
import { pausedLeaderReads } from "./bugs/paused-leader-reads.ts";
import { progressBeforeStart } from "./bugs/progress-before-start.ts";
import { promotionForgotten } from "./bugs/promotion-forgotten.ts";
import { rangeInTxn } from "./bugs/range-in-txn.ts";
import { readsLeftOut } from "./bugs/reads-left-out.ts";
import { remainingRollsOver } from "./bugs/remaining-rolls-over.ts";
import { removedComesBack } from "./bugs/removed-comes-back.ts";
import { renewalOfRevoked } from "./bugs/renewal-of-revoked.ts";
import { restartRenews } from "./bugs/restart-renews.ts";
import { reusedContext } from "./bugs/reused-context.ts";
import { revisionGoesBack } from "./bugs/revision-goes-back.ts";
import { revokedByNobody } from "./bugs/revoked-by-nobody.ts";
import { revokedCertificate } from "./bugs/revoked-certificate.ts";
import { secondSnapshot } from "./bugs/second-snapshot.ts";
import { singleMemberSync } from "./bugs/single-member-sync.ts";
import { starvedWatcher } from "./bugs/starved-watcher.ts";
import { twoHolders } from "./bugs/two-holders.ts";
import { watchOverSnapshot } from "./bugs/watch-over-snapshot.ts";
import { zombieMembers } from "./bugs/zombie-members.ts";

/** Bugs of etcd's, in the order of the list that this suite has to know; at the end what Jepsen found. */
export const historicBugs: readonly HistoricBug[] = [
  appliedIndex,
  singleMemberSync,
  defragmentCrash,
  authAppliedTwice,
  authSnapshot,
  earlyProgress,
  watchOverSnapshot,
  duplicateEvents,
  starvedWatcher,
  revisionGoesBack,
  lostAtCompaction,
  lostTombstone,
  secondSnapshot,
  rangeInTxn,
  readsLeftOut,
  oldEvents,
  progressBeforeStart,
  lateReadIndex,
  pausedLeaderReads,
  reusedContext,
  oldLeaderRenews,
  oldLeaderRevokes,
  leaseCutShort,
  leaseStartsOver,
  restartRenews,
  renewalOfRevoked,
  lostTrackOfLeases,
  remainingRollsOver,
  revokedByNobody,
  changeAfterChange,
  joinedAndRestarted,
  membershipSnapshot,
  removedComesBack,
  zombieMembers,
  promotionForgotten,
  membersLeftBehind,
  noSpaceAtApply,
  lockAfterPause,
  openEndedWatch,
  revokedCertificate,
  countWithLimit,
  compactionAfterDefragment,
  compactionStall,
  lockWithoutLease,
  twoHolders,
];

/** Those that are looked for in the simulation, as the search knows bugs: their number is the issue's, far above those of seeded bugs. */
export const historicSearches: readonly SeededBug[] = historicBugs.flatMap((bug) => {
  const { scenario, title, patches, setting } = bug;
  if (scenario.kind !== "simulation") return [];
  const { seconds, seeds: budget, forced, caughtBy, blinded } = scenario;
  return [
    {
      number: issueOf(bug),
      title,
      patches,
      search: { kind: "simulation", seconds, forced },
      caughtBy,
      budget,
      ...(blinded === undefined ? {} : { blinded }),
      ...(setting === undefined ? {} : { setting }),
    },
  ];
});

/** As the search knows a bug; undefined for one that a test finds. */
export function searchOf(bug: HistoricBug): SeededBug | undefined {
  if (bug.scenario.kind !== "simulation") return undefined;
  return historicSearches.find(({ number }) => number === issueOf(bug));
}

function issueOf({ name }: HistoricBug): number {
  return Number(/\d+/.exec(name)?.[0]);
}
