import { clientOf } from "../history/mod.ts";
import type { Bar } from "./bars.ts";

/**
 * Operations by client, each client's in order. A process whose operation ended in `info` is retired and its client goes on as another, so there are more processes than
 * clients. Which belong together is known when the number of clients is; where it is not, or is wrong (a client would do two things at once), a new process takes
 * the place of the one that was retired first.
 */
export function lanesOf(bars: readonly Bar[], clients?: number): Bar[][] {
  const byNumber = clients === undefined || clients < 1 ? [] : sorted(bars, (process) => clientOf(process, clients));
  return byNumber.length > 0 && byNumber.every(isSequential) ? byNumber : bySuccession(bars);
}

function sorted(bars: readonly Bar[], laneOf: (process: number) => number): Bar[][] {
  const lanes = new Map<number, Bar[]>();
  for (const bar of bars) {
    const lane = laneOf(bar.process);
    const found = lanes.get(lane);
    if (found === undefined) lanes.set(lane, [bar]);
    else found.push(bar);
  }
  return [...lanes.entries()].sort(([a], [b]) => a - b).map(([, lane]) => lane);
}

function isSequential(lane: readonly Bar[]): boolean {
  return lane.every(({ endNs }, at) => endNs === undefined || endNs <= (lane[at + 1]?.startNs ?? endNs));
}

function bySuccession(bars: readonly Bar[]): Bar[][] {
  const laneOf = new Map<number, number>();
  const lastOf = new Map<number, Bar>();
  for (const bar of bars) lastOf.set(bar.process, bar);
  /** Bars after which their process is not heard of again, by when they ended. */
  const last = [...lastOf.values()].filter(({ outcome, endNs }) => outcome === "info" && endNs !== undefined);
  const retirements = last.sort((a, b) => (a.endNs as number) - (b.endNs as number));
  let lanes = 0;
  for (const { process, startNs } of bars) {
    if (laneOf.has(process)) continue;
    const next = retirements[0];
    if (next === undefined || (next.endNs as number) > startNs) laneOf.set(process, lanes++);
    else {
      laneOf.set(process, laneOf.get(next.process) as number);
      retirements.shift();
    }
  }
  return sorted(bars, (process) => laneOf.get(process) as number);
}
