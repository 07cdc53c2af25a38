export { Lessor, type LessorOptions, type Proposer, type TimeToLive } from "./lessor.ts";
