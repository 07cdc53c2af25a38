import type { SeededBug } from "./bug.ts";
import { consensusBugs } from "./bugs/consensus.ts";
import { durabilityBugs } from "./bugs/durability.ts";
import { harnessBugs } from "./bugs/harness.ts";
import { leaseBugs } from "./bugs/leases.ts";
import { readBugs } from "./bugs/reads.ts";
import { recoveryBugs } from "./bugs/recovery.ts";
import { watchBugs } from "./bugs/watch.ts";

/** All seeded bugs, by their number. */
export const seededBugs: readonly SeededBug[] = [
  ...durabilityBugs,
  ...consensusBugs,
  ...readBugs,
  ...recoveryBugs,
  ...watchBugs,
  ...leaseBugs,
  ...harnessBugs,
].sort((a, b) => a.number - b.number);
