import { assert } from "../../../../base/mod.ts";
import type { Call } from "../model.ts";
import type { RegisterOp } from "../register.ts";
import type { Change } from "./configuration.ts";
import { never, type Timeline } from "./timeline.ts";

/**
 * The order of all completed operations, and some of the crashed ones, that proves a history legal; of the changes it is known already. It is compared with the
 * definition before anybody gets it: whatever the search did, it calls no history legal that is not.
 */
export function certify(timeline: Timeline, trail: Change | undefined): readonly Call<RegisterOp>[] {
  const changes = inOrder(trail);
  const order = withReads(timeline, changes);
  verify(timeline, order);
  return order.map((call) => timeline.calls[call] as Call<RegisterOp>);
}

interface Placed {
  readonly call: number;
  /** It takes effect just before the event at this position. */
  readonly at: number;
}

/** What was put behind the last plain write goes to its place: before that write. */
function inOrder(trail: Change | undefined): Placed[] {
  const backwards: Placed[] = [];
  let hidden: Placed[] = [];
  let onwards: Placed[] = [];
  for (let change = trail; change !== undefined; change = change.before) {
    if (change.where === "hidden") hidden.push(change);
    else if (change.where === "onwards") onwards.push(change);
    else {
      backwards.push(change);
      if (!change.isWrite) continue;
      backwards.push(...hidden, ...onwards);
      hidden = [];
      onwards = [];
    }
  }
  assert(hidden.length + onwards.length === 0, "nothing is hidden but behind a write");
  return backwards.reverse();
}

/** Each read after the first change that it can have seen. */
function withReads(timeline: Timeline, changes: readonly Placed[]): number[] {
  const { calls, kind, needs, leaves, invokedAt, returnedAt } = timeline;
  // Change 0 is the beginning. The value that change i left stood from `from(i)` to `from(i + 1)`.
  const value = (i: number) => (i === 0 ? 0 : (leaves[(changes[i - 1] as Placed).call] as number));
  const until = (i: number) => changes[i]?.at ?? never;
  const visits = new Map<number, number[]>();
  for (let i = 0; i <= changes.length; i++) {
    const known = visits.get(value(i));
    if (known === undefined) visits.set(value(i), [i]);
    else known.push(i);
  }
  const firstAfter = (list: readonly number[] | undefined, size: number, time: number) => {
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (until(list === undefined ? middle : (list[middle] as number)) > time) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const readsAfter = new Map<number, number[]>();
  for (let call = 0; call < calls.length; call++) {
    const isMissed = kind[call] === "missed";
    if ((kind[call] !== "read" && !isMissed) || returnedAt[call] === never) continue;
    const needed = needs[call] as number;
    const invoked = invokedAt[call] as number;
    let at: number | undefined;
    if (isMissed) {
      at = firstAfter(undefined, changes.length + 1, invoked);
      while (value(at) === needed && at < changes.length) at++;
    } else {
      const list = visits.get(needed) ?? [];
      at = list[firstAfter(list, list.length, invoked)];
    }
    assert(at !== undefined, "every value read is one that the register had");
    const known = readsAfter.get(at);
    if (known === undefined) readsAfter.set(at, [call]);
    else known.push(call);
  }
  const order = [...(readsAfter.get(0) ?? [])];
  for (let i = 0; i < changes.length; i++) {
    order.push((changes[i] as Placed).call);
    for (const read of readsAfter.get(i + 1) ?? []) order.push(read);
  }
  return order;
}

/** The definition: each completed operation once, none after one that was invoked when it had returned, and each legal where it stands. */
function verify({ calls, kind, needs, leaves, invokedAt, returnedAt }: Timeline, order: readonly number[]): void {
  const seen = new Uint8Array(calls.length);
  let value = 0;
  let lastInvoked = -1;
  for (const call of order) {
    assert(seen[call] === 0, "no operation takes effect twice");
    seen[call] = 1;
    assert(
      (returnedAt[call] as number) > lastInvoked,
      "an operation takes effect before whatever was invoked after its return",
    );
    lastInvoked = Math.max(lastInvoked, invokedAt[call] as number);
    const isMissed = kind[call] === "missed";
    assert(
      kind[call] === "write" || (value === needs[call]) !== isMissed,
      "an operation has the result that the register gives",
    );
    if (kind[call] === "write" || kind[call] === "cas") value = leaves[call] as number;
  }
  for (let call = 0; call < calls.length; call++)
    assert(seen[call] === 1 || returnedAt[call] === never, "an operation that returned has taken effect");
}
