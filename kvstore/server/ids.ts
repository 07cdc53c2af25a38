import { createHash } from "node:crypto";

/**
 * Ids as etcd makes them, so that the same flags give the same ids: a member's from its peer URLs and the cluster's token, the
 * cluster's from its members.
 */
export function memberId(peerUrls: readonly string[], token: string): bigint {
  return firstEightBytes([[...peerUrls].sort().join(""), token]);
}

/** A member that is added later: the second it was added stands for the token. */
export function addedMemberId(peerUrls: readonly string[], token: string, nowMs: number): bigint {
  return firstEightBytes([[...peerUrls].sort().join(""), token, String(Math.floor(nowMs / 1000))]);
}

export function clusterId(memberIds: readonly bigint[]): bigint {
  const bytes = Buffer.alloc(memberIds.length * 8);
  for (const [at, id] of [...memberIds].sort(byValue).entries()) bytes.writeBigUInt64BE(id, at * 8);
  return firstEightBytes([bytes]);
}

function byValue(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

function firstEightBytes(parts: readonly (string | Buffer)[]): bigint {
  const hash = createHash("sha1");
  for (const part of parts) hash.update(part);
  return hash.digest().readBigUInt64BE(0);
}

/**
 * Ids of requests, never used twice in a cluster: two bytes of the member's id, five of the time it started (milliseconds),
 * and one byte and whatever the count overflows into, as etcd's idutil has it.
 */
export class RequestIds {
  readonly #prefix: bigint;
  #count: bigint;

  constructor(member: bigint, nowMs: number) {
    this.#prefix = (member & 0xffffn) << 48n;
    this.#count = (BigInt(Math.floor(nowMs)) & 0xff_ffff_ffffn) << 8n;
  }

  next(): bigint {
    this.#count = (this.#count + 1n) & 0xffff_ffff_ffffn;
    return this.#prefix | this.#count;
  }
}
