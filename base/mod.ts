export { assert, InvariantViolation, unreachable } from "./assert.ts";
export { compareBytes, concatBytes, equalBytes, fromUtf8, toHex, toUtf8 } from "./bytes.ts";
export type { Clock, Timer } from "./clock.ts";
export { Deferred } from "./deferred.ts";
export { Heap } from "./heap.ts";
export type { Random } from "./random.ts";
export { seededRandom } from "./random.ts";
export { Ring } from "./ring.ts";
export { VirtualClock } from "./virtual-clock.ts";
