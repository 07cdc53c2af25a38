import { AlarmAction, AlarmType, type PutRequest, type TxnRequest } from "../../proto/mod.ts";
import type { Member } from "../server/member.ts";

/** What a key-value pair costs besides its bytes. */
const pairBytes = 256;
/** What a lease costs. */
export const leaseCost = 64;

export function putCost({ key, value }: PutRequest): number {
  return pairBytes + key.length + value.length;
}

/** Of the dearer branch. */
export function txnCost({ success, failure }: TxnRequest): number {
  const cost = (ops: TxnRequest["success"]) => {
    let sum = 0;
    for (const { requestPut, requestTxn } of ops) {
      if (requestPut !== undefined) sum += putCost(requestPut);
      else if (requestTxn !== undefined) sum += txnCost(requestTxn);
    }
    return sum;
  };
  return Math.max(cost(success), cost(failure));
}

/** Keeps the database below its quota: the first request that does not fit raises the alarm, which refuses all that follow. */
export class Quota {
  readonly #member: Member;
  /** Refused, to be told when the alarm they raised is in force (as etcd's quotaAlarmer). */
  #refused: (() => void)[] = [];

  constructor(member: Member) {
    this.#member = member;
  }

  /** Whether so many more bytes fit. */
  admits(cost: number): boolean {
    const { quotaBytes, state } = this.#member;
    return quotaBytes < 0 || cost === 0 || state.backend.sizeBytes + cost <= quotaBytes;
  }

  /** Raises the alarm for a request that did not fit; then, or if nobody can raise it now, tells it so. */
  refuse(tell: () => void): void {
    const { id, alarms, log } = this.#member;
    if (alarms.ofKind(AlarmType.NOSPACE).some(({ memberID }) => memberID === id)) {
      tell();
      return;
    }
    this.#refused.push(tell);
    if (this.#refused.length > 1) return;
    log("warn", "the database is full: raising the alarm NOSPACE");
    this.#member.propose("alarm", { action: AlarmAction.ACTIVATE, memberID: id, alarm: AlarmType.NOSPACE }, () => {
      const refused = this.#refused;
      this.#refused = [];
      for (const told of refused) told();
    });
  }
}
