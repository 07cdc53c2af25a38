import { type Bar, barsOf } from "./bars.ts";
import { faultsOf, type Span } from "./faults.ts";
import { lanesOf } from "./lanes.ts";
import type { Anomaly, LeaderChange, Run } from "./run.ts";

/** What all parts of the report look at, found out once. */
export interface Digest {
  /** In the order of their invocations. */
  readonly bars: readonly Bar[];
  /** The same by client. */
  readonly lanes: readonly (readonly Bar[])[];
  readonly faults: readonly Span[];
  readonly leaders: readonly Span[];
  /** Each with its checker; the one with the fewest operations first. */
  readonly anomalies: readonly FoundAnomaly[];
  /** The last moment that anything is known of; more than 0. */
  readonly endNs: number;
}

export interface FoundAnomaly extends Anomaly {
  readonly checker: string;
}

export function digestOf({ history, manifest, verdict, leaders = [], clocks = [] }: Run): Digest {
  const endNs = Math.max(1, history.at(-1)?.timeNs ?? 0, leaders.at(-1)?.timeNs ?? 0, clocks.at(-1)?.timeNs ?? 0);
  const bars = barsOf(history);
  const clients = manifest.config?.clients;
  const found = verdict.checkers.flatMap(({ checker, anomalies }) => anomalies.map((one) => ({ ...one, checker })));
  return {
    ...{ bars, endNs },
    lanes: lanesOf(bars, typeof clients === "number" ? clients : undefined),
    faults: faultsOf(history, endNs),
    leaders: leadershipsOf(leaders, endNs),
    anomalies: found.sort((a, b) => sizeOf(a) - sizeOf(b)),
  };
}

/** What shows no operation explains least. */
function sizeOf({ operations }: Anomaly): number {
  return operations.length === 0 ? Number.MAX_SAFE_INTEGER : operations.length;
}

/** A kind per leader; "nobody" where there was none. */
function leadershipsOf(changes: readonly LeaderChange[], endNs: number): Span[] {
  return changes.map(({ timeNs, leader, term }, at) => ({
    fromNs: timeNs,
    toNs: changes[at + 1]?.timeNs ?? endNs,
    kind: leader ?? "nobody",
    label: `${leader ?? "nobody"}${term === undefined ? "" : `, term ${term}`}`,
  }));
}
