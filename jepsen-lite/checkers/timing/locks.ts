import { type Operation, operationsOf } from "../../history/mod.ts";
import { fieldsOf, numberOf, optionalNumber, textOf } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

export interface LockOptions {
  /**
   * `exclusive`: no two hold it at the same time, as its clients see it. No lock over leases can promise that: a holder that pauses does not know that it lost it.
   * `fenced`: what it guards refuses whoever has been succeeded, by the token that grows with each holder. That can be promised. Default: fenced.
   */
  readonly promise?: "exclusive" | "fenced";
}

interface Holding {
  readonly acquire: Operation;
  readonly token: number | undefined;
  /** Index of the invocation that gave it up, or after which its process was no more; Infinity while none did. */
  readonly until: number;
}

/**
 * Locks. Operations, all with `{ lock }`: `acquire`, which gets `{ lock, token? }` (the revision at which its key was created); `release`; and of the guarded
 * resource `guarded`, with `{ lock, token }`, which ends `ok` when the resource took it. A process holds a lock from the return of its `acquire` to the invocation of
 * its `release`.
 */
export const locks = checker<LockOptions>("locks", (history, { promise = "fenced" }) => {
  const operations = operationsOf(history);
  const holdings = holdingsOf(operations);
  const anomalies: Anomaly[] = [];
  let judged = 0;
  for (const [lock, ofLock] of holdings) {
    judged += ofLock.length;
    judgeTokens(lock, ofLock, anomalies);
    if (promise === "exclusive") judgeExclusion(lock, ofLock, anomalies);
  }
  judged += judgeGuarded(operations, anomalies);
  return { anomalies, judged, of: "uses of locks", figures: { locks: holdings.size } };
});

function holdingsOf(operations: readonly Operation[]): Map<string, Holding[]> {
  const releases = new Map<string, number[]>();
  const retired = new Map<number, number>();
  for (const operation of operations) {
    // Whoever it goes on as may release the lock, or not know any more that it had it.
    if (operation.outcome === "info") retired.set(operation.process, operation.index);
    if (operation.f !== "release") continue;
    const of = `${operation.process}/${textOf(operation, fieldsOf(operation, operation.input), "lock")}`;
    releases.set(of, [...(releases.get(of) ?? []), operation.index]);
  }
  const holdings = new Map<string, Holding[]>();
  for (const acquire of operations) {
    if (acquire.f !== "acquire" || acquire.outcome !== "ok") continue;
    const fields = fieldsOf(acquire);
    const lock = textOf(acquire, fields, "lock");
    const released = releases.get(`${acquire.process}/${lock}`)?.find((index) => index > acquire.returned);
    const until = released ?? retired.get(acquire.process) ?? Infinity;
    const ofLock = holdings.get(lock) ?? [];
    ofLock.push({ acquire, token: optionalNumber(acquire, fields, "token"), until });
    holdings.set(lock, ofLock);
  }
  return holdings;
}

/** Each holder's token is new, and higher than those of all who held it before. */
function judgeTokens(lock: string, holdings: readonly Holding[], anomalies: Anomaly[]): void {
  const byReturn = [...holdings].sort((a, b) => a.acquire.returned - b.acquire.returned);
  const seen = new Map<number, Operation>();
  for (const { acquire, token } of byReturn) {
    if (token === undefined) continue;
    const other = seen.get(token);
    if (other !== undefined && other.process !== acquire.process)
      anomalies.push(about("token-given-twice", `Token ${token} of lock ${lock} was given`, other, acquire));
    seen.set(token, acquire);
  }
  let highest: Holding | undefined;
  let returned = 0;
  for (const holding of holdings) {
    for (
      ;
      returned < byReturn.length && (byReturn[returned] as Holding).acquire.returned < holding.acquire.index;
      returned++
    ) {
      const done = byReturn[returned] as Holding;
      if (done.token !== undefined && (highest?.token ?? -1) < done.token) highest = done;
    }
    if (holding.token !== undefined && highest?.token !== undefined && highest.token > holding.token)
      anomalies.push(
        about(
          "token-went-back",
          `Lock ${lock} gave token ${holding.token} after ${highest.token}`,
          highest.acquire,
          holding.acquire,
        ),
      );
  }
}

function judgeExclusion(lock: string, holdings: readonly Holding[], anomalies: Anomaly[]): void {
  let last: Holding | undefined;
  for (const holding of [...holdings].sort((a, b) => a.acquire.returned - b.acquire.returned)) {
    if (last !== undefined && last.until > holding.acquire.returned)
      anomalies.push(
        about(
          "two-holders",
          `Lock ${lock} was held by processes ${last.acquire.process} and ${holding.acquire.process} at the same time`,
          last.acquire,
          holding.acquire,
        ),
      );
    if (last === undefined || holding.until > last.until) last = holding;
  }
}

/** The resource took nothing of an old holder after it had taken something of a later one. */
function judgeGuarded(operations: readonly Operation[], anomalies: Anomaly[]): number {
  const guarded = operations.filter(({ f, outcome }) => f === "guarded" && outcome === "ok");
  const byReturn = [...guarded].sort((a, b) => a.returned - b.returned);
  const highest = new Map<string, { readonly token: number; readonly operation: Operation }>();
  let returned = 0;
  const use = (operation: Operation) => {
    const fields = fieldsOf(operation, operation.input);
    return { lock: textOf(operation, fields, "lock"), token: numberOf(operation, fields, "token") };
  };
  for (const operation of guarded) {
    for (; returned < byReturn.length && (byReturn[returned] as Operation).returned < operation.index; returned++) {
      const done = byReturn[returned] as Operation;
      const { lock, token } = use(done);
      if ((highest.get(lock)?.token ?? -1) < token) highest.set(lock, { token, operation: done });
    }
    const { lock, token } = use(operation);
    const before = highest.get(lock);
    if (before !== undefined && before.token > token)
      anomalies.push(
        about(
          "unfenced",
          `What lock ${lock} guards took token ${token} after ${before.token}`,
          before.operation,
          operation,
        ),
      );
  }
  return guarded.length;
}

function about(kind: string, what: string, first: Operation, second: Operation): Anomaly {
  return {
    kind,
    explanation: `${what} (operations ${first.index} and ${second.index}).`,
    operations: [first.index, second.index],
  };
}
