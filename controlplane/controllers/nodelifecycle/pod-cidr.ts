import { assert } from "../../../base/mod.ts";

/** IPv4 ranges for nodes: equal parts of the cluster's range. */
export class PodCidrRange {
  readonly #baseAddress: number;
  readonly #nodeBits: number;
  readonly #size: number;

  /** For example `10.244.0.0/16` and 24: 256 ranges. Throws RangeError for what is no such range. */
  constructor(clusterCIDR: string, nodeMaskSize: number) {
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(clusterCIDR);
    const [a, b, c, d, bits] = (match ?? []).slice(1).map(Number);
    if (a === undefined || b === undefined || c === undefined || d === undefined || bits === undefined) {
      throw new RangeError(`not an IPv4 range: ${clusterCIDR}`);
    }
    if (nodeMaskSize < bits || nodeMaskSize > 30 || Math.max(a, b, c, d) > 255) {
      throw new RangeError(`${clusterCIDR} cannot be divided into /${nodeMaskSize} ranges`);
    }
    this.#baseAddress = ((a * 256 + b) * 256 + c) * 256 + d;
    this.#nodeBits = nodeMaskSize;
    this.#size = 2 ** (nodeMaskSize - bits);
  }

  /** The first range that is not taken; undefined when there is none. */
  next(taken: ReadonlySet<string>): string | undefined {
    for (let index = 0; index < this.#size; index++) {
      const range = this.#format(index);
      if (!taken.has(range)) return range;
    }
    return undefined;
  }

  #format(index: number): string {
    assert(index < this.#size, "a range lies within the cluster's");
    const address = this.#baseAddress + index * 2 ** (32 - this.#nodeBits);
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
    return `${octets.join(".")}/${this.#nodeBits}`;
  }
}
