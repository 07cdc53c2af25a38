import { type Operation, operationsOf } from "../../history/mod.ts";
import { keyValuesOf } from "../replay/store-operations.ts";
import { type Fields, fieldsOf, numberOf } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

export interface LeaseOptions {
  /** How much earlier than its TTL a lease may end, by the run's clock: what the store's clocks may run fast. Nanoseconds; default 0. */
  readonly earlyNs?: number;
  /**
   * How much later: the store's rounds, elections (each gives every lease its whole TTL again, and an election's time), and what clocks may run slow.
   * Undefined: late ends are not judged, but those that last on although the nemesis said that it was `calm`.
   */
  readonly lateNs?: number;
}

/** How much later a lease may end where nobody is elected any more: for its member's rounds, and to have it agreed on. */
const calmLateNs = 6e9;

/** What is known of one lease, in the order of time. */
interface Lease {
  readonly id: string;
  readonly grant: Operation;
  /** Moments until which it was promised: a renewal cannot have been granted before it was asked for, nor after it was acknowledged. */
  readonly renewals: { readonly operation: Operation; readonly ttlNs: number }[];
  readonly alive: Operation[];
  readonly gone: Operation[];
  readonly revokes: Operation[];
  /** Who read a key that hangs on it. */
  readonly keyed: Operation[];
}

/**
 * A lease lives at least its TTL after its last renewal, and not much longer; once gone it never comes back.
 *
 * Operations, all with `{ id }`: `lease-grant` and `lease-keepalive`, which get `{ id, ttl }` in seconds (a keep-alive with `ttl` 0 found it gone); `lease-revoke`;
 * `lease-check`, which gets `{ id, alive }` from looking at the lease. Of the store's `range`, unless it is serializable or of the past, pairs with a `lease`: with
 * the lease goes what hangs on it.
 */
export const leaseBounds = checker<LeaseOptions>("lease bounds", (history, { earlyNs = 0, lateNs }) => {
  const leases = leasesOf(operationsOf(history));
  const calm = history.find(({ process, f }) => process === "nemesis" && f === "calm");
  const bound =
    lateNs === undefined
      ? { lateNs: calmLateNs, calmNs: calm?.timeNs ?? Number.POSITIVE_INFINITY }
      : { lateNs, calmNs: 0 };
  const anomalies: Anomaly[] = [];
  let judged = 0;
  for (const lease of leases.values()) {
    judged += lease.gone.length + lease.alive.length;
    for (const gone of lease.gone) {
      const early = endedEarly(lease, gone, earlyNs);
      if (early !== undefined) anomalies.push(early);
    }
    const firstGone = earliest(lease.gone);
    const revoke = earliest(lease.revokes.filter(({ outcome }) => outcome === "ok"));
    const late = revoke === undefined ? undefined : lease.keyed.find(({ index }) => revoke.returned < index);
    if (revoke !== undefined && late !== undefined)
      anomalies.push({
        kind: "key-outlived-lease",
        explanation: `Lease ${lease.id} was revoked by operation ${revoke.index}, but operation ${late.index}, invoked after that, shows a key that hangs on it.`,
        operations: [revoke.index, late.index],
      });
    for (const alive of lease.alive) {
      const risen = firstGone !== undefined && firstGone.returned < alive.index;
      if (risen)
        anomalies.push({
          kind: "lease-undead",
          explanation: `Lease ${lease.id} was gone in operation ${firstGone.index}, but alive in operation ${alive.index}, which was invoked after that.`,
          operations: [firstGone.index, alive.index],
        });
      if (revoke !== undefined && revoke.returned < alive.index)
        anomalies.push({
          kind: "lease-undead",
          explanation: `Lease ${lease.id} was revoked by operation ${revoke.index}, but operation ${alive.index}, invoked after that, found it alive.`,
          operations: [revoke.index, alive.index],
        });
      const late = livedLate(lease, alive, bound);
      if (late !== undefined) anomalies.push(late);
    }
  }
  return { anomalies, judged, of: "sightings of leases", figures: { leases: leases.size } };
});

function leasesOf(operations: readonly Operation[]): Map<string, Lease> {
  const leases = new Map<string, Lease>();
  for (const operation of operations) {
    if (operation.f !== "lease-grant" || operation.outcome === "fail") continue;
    const fields = fieldsOf(operation, operation.outcome === "ok" ? operation.output : operation.input);
    const lease: Lease = {
      id: String(fields.id),
      grant: operation,
      renewals: [],
      alive: [],
      gone: [],
      revokes: [],
      keyed: [],
    };
    lease.renewals.push({ operation, ttlNs: secondsOf(operation, fields) });
    leases.set(lease.id, lease);
  }
  for (const operation of operations) {
    const { f, outcome } = operation;
    if (f === "range" && outcome === "ok") {
      for (const id of leasesIn(operation)) leases.get(id)?.keyed.push(operation);
      continue;
    }
    if (f === "lease-grant" || !f.startsWith("lease-") || outcome === "fail") continue;
    const fields = fieldsOf(operation);
    const lease = leases.get(String(fields.id));
    if (lease === undefined) continue;
    if (f === "lease-revoke") lease.revokes.push(operation);
    else if (f === "lease-check" && outcome === "ok")
      (fields.alive === true ? lease.alive : lease.gone).push(operation);
    else if (f === "lease-keepalive" && outcome === "ok" && fields.ttl === 0) lease.gone.push(operation);
    else if (f === "lease-keepalive") {
      if (outcome === "ok") lease.alive.push(operation);
      // A crashed renewal may have happened, with the TTL that was granted.
      const ttlNs = outcome === "ok" ? secondsOf(operation, fields) : (lease.renewals[0] as { ttlNs: number }).ttlNs;
      lease.renewals.push({ operation, ttlNs });
    }
  }
  return leases;
}

/** Of the keys that a read shows as they are now. */
function leasesIn(operation: Operation): Set<string> {
  const asked = fieldsOf(operation, operation.input);
  if (asked.serializable === true || (asked.revision ?? 0) !== 0) return new Set();
  const kvs = keyValuesOf(operation, fieldsOf(operation), "kvs");
  return new Set(kvs.map(({ lease }) => lease).filter((lease) => lease !== undefined));
}

function secondsOf(operation: Operation, fields: Fields): number {
  return numberOf(operation, fields, "ttl") * 1e9;
}

function earliest(operations: readonly Operation[]): Operation | undefined {
  return operations.reduce<Operation | undefined>(
    (first, next) => (first !== undefined && first.returned <= next.returned ? first : next),
    undefined,
  );
}

function endedEarly(lease: Lease, gone: Operation, earlyNs: number): Anomaly | undefined {
  // Who might have revoked it, or might not have got it at all, explains everything.
  if (lease.revokes.some((revoke) => revoke.index < gone.returned)) return undefined;
  for (const { operation, ttlNs } of lease.renewals) {
    if (operation.outcome !== "ok" || operation.returned > gone.index) continue;
    const until = operation.invokedNs + ttlNs - earlyNs;
    if (gone.returnedNs >= until) continue;
    return {
      kind: "lease-expired-early",
      explanation: `Lease ${lease.id} was renewed by operation ${operation.index} for ${ttlNs / 1e9} s, but gone ${(gone.returnedNs - operation.invokedNs) / 1e9} s after that was invoked (operation ${gone.index}); nobody revoked it.`,
      operations: [operation.index, gone.index],
    };
  }
  return undefined;
}

/** Until it is calm any lease may get its whole time again. */
function livedLate(
  lease: Lease,
  alive: Operation,
  { lateNs, calmNs }: { readonly lateNs: number; readonly calmNs: number },
): Anomaly | undefined {
  let until = Number.NEGATIVE_INFINITY;
  for (const { operation, ttlNs } of lease.renewals) {
    // What is no renewal but its sighting cannot explain itself.
    if (operation === alive || operation.index > alive.returned) continue;
    until = Math.max(until, Math.max(operation.returnedNs, calmNs) + ttlNs);
  }
  if (alive.invokedNs <= until + lateNs) return undefined;
  return {
    kind: "lease-outlived",
    explanation: `Lease ${lease.id} was to end ${(alive.invokedNs - until) / 1e9} s before operation ${alive.index} was invoked, which found it alive; ${lateNs / 1e9} s are allowed.`,
    operations: [lease.grant.index, alive.index],
  };
}
