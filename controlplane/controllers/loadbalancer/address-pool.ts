/** IPv4 addresses that are given to Services. The first and the last of the range mean the range itself and everybody in it. */
export class AddressPool {
  readonly cidr: string;
  readonly #first: number;
  readonly #size: number;

  /** For example `172.30.200.0/24`. Throws RangeError for what is no such range. */
  constructor(cidr: string) {
    const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
    const [a = 256, b = 256, c = 256, d = 256, bits = 33] = (match ?? []).slice(1).map(Number);
    if (Math.max(a, b, c, d) > 255 || bits > 30)
      throw new RangeError(`not an IPv4 range with room for addresses: ${cidr}`);
    this.cidr = cidr;
    this.#size = 2 ** (32 - bits);
    const address = ((a * 256 + b) * 256 + c) * 256 + d;
    this.#first = address - (address % this.#size);
  }

  contains(ip: string): boolean {
    const offset = numberOf(ip) - this.#first;
    return offset > 0 && offset < this.#size - 1;
  }

  /** The lowest that is not taken; undefined when all are. */
  next(taken: ReadonlySet<string>): string | undefined {
    for (let offset = 1; offset < this.#size - 1; offset++) {
      const ip = textOf(this.#first + offset);
      if (!taken.has(ip)) return ip;
    }
    return undefined;
  }
}

/** NaN for what is no IPv4 address; of that, nothing is true. */
function numberOf(ip: string): number {
  const octets = ip.split(".");
  if (octets.length !== 4 || !octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256))
    return Number.NaN;
  return octets.reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
