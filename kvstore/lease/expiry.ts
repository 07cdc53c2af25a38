const slotMs = 500;
const nowhere = -1;

/** When one thing is due. In one queue or in none. */
export class Alarm {
  readonly id: bigint;
  dueMs = Number.POSITIVE_INFINITY;
  /** The slot that it is looked at in: its due time's, or an earlier one. */
  slot = nowhere;

  constructor(id: bigint) {
    this.id = id;
  }
}

/** When each lease is due: a calendar of half seconds. A lease that is put off stays where it is until its half second has come,
 * and only then moves to the new one: a renewal costs the change of a number. */
export class ExpiryQueue {
  readonly #slots = new Map<number, Alarm[]>();
  /** No slot before this one holds anything. */
  #firstSlot = Number.POSITIVE_INFINITY;

  set(alarm: Alarm, atMs: number): void {
    const slot = Math.floor(atMs / slotMs);
    alarm.dueMs = atMs;
    // One that is due earlier than it was leaves its old place behind, where it is no longer found to belong.
    if (alarm.slot === nowhere || slot < alarm.slot) this.#file(alarm, slot);
  }

  delete(alarm: Alarm): void {
    alarm.slot = nowhere;
  }

  clear(): void {
    for (const alarms of this.#slots.values()) for (const alarm of alarms) alarm.slot = nowhere;
    this.#slots.clear();
    this.#firstSlot = Number.POSITIVE_INFINITY;
  }

  /** Takes up to `limit` leases that are due, the longest overdue first, as far as half a second makes a difference. */
  takeDue(nowMs: number, limit: number): bigint[] {
    const due: bigint[] = [];
    const nowSlot = Math.floor(nowMs / slotMs);
    for (; this.#firstSlot <= nowSlot && this.#slots.size > 0; this.#firstSlot++) {
      const alarms = this.#slots.get(this.#firstSlot);
      if (alarms === undefined) continue;
      this.#slots.delete(this.#firstSlot);
      const left = alarms.filter((alarm) => {
        if (alarm.slot !== this.#firstSlot) return false;
        if (alarm.dueMs > nowMs) return this.#putOff(alarm);
        if (due.length === limit) return true;
        alarm.slot = nowhere;
        due.push(alarm.id);
        return false;
      });
      if (left.length === 0) continue;
      this.#slots.set(this.#firstSlot, left);
      break;
    }
    return due;
  }

  /** True if it stays in the slot that is being looked at. */
  #putOff(alarm: Alarm): boolean {
    const slot = Math.floor(alarm.dueMs / slotMs);
    if (slot === this.#firstSlot) return true;
    this.#file(alarm, slot);
    return false;
  }

  #file(alarm: Alarm, slot: number): void {
    alarm.slot = slot;
    const alarms = this.#slots.get(slot);
    if (alarms === undefined) this.#slots.set(slot, [alarm]);
    else alarms.push(alarm);
    this.#firstSlot = Math.min(this.#firstSlot, slot);
  }
}
