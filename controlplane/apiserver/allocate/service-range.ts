/** An IPv4 block of addresses for Services. Offset 0 is the first usable address: neither network nor broadcast is. */
export class AddressRange {
  readonly cidr: string;
  readonly #first: number;
  readonly size: number;

  /** Throws when the text is no IPv4 CIDR of 8 to 65,536 addresses. */
  constructor(cidr: string) {
    const [address = "", length = ""] = cidr.split("/");
    const base = parseAddress(address);
    const bits = Number(length);
    if (base === undefined || !/^\d+$/.test(length) || bits < 16 || bits > 29)
      throw new Error(`${JSON.stringify(cidr)} is no IPv4 range for Services: a prefix of 16 to 29 bits is needed`);
    this.cidr = cidr;
    const total = 2 ** (32 - bits);
    this.#first = base - (base % total) + 1;
    this.size = total - 2;
  }

  address(offset: number): string {
    const value = this.#first + offset;
    return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");
  }

  /** undefined: outside. */
  offset(address: string): number | undefined {
    const value = parseAddress(address);
    if (value === undefined) return undefined;
    const offset = value - this.#first;
    return offset >= 0 && offset < this.size ? offset : undefined;
  }
}

function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `30000-32767`. Throws on anything else. */
export function parsePortRange(text: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || first < 1 || last > 65_535 || last < first)
    throw new Error(`${JSON.stringify(text)} is no range of ports: write it as 30000-32767`);
  return { first, last };
}
