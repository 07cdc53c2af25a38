import type { SeededBug } from "./bug.ts";
import { durabilityBugs } from "./bugs/durability.ts";

/** All seeded bugs, by their number. */
export const seededBugs: readonly SeededBug[] = [...durabilityBugs].sort((a, b) => a.number - b.number);
