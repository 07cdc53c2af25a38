/** IPv4 addresses of a node's pods. The first is the node's own; network and broadcast are never given. */
export class AddressPool {
  readonly cidr: string;
  readonly #base: number;
  readonly #size: number;
  readonly #taken = new Set<number>();
  /** Where the search goes on: a freed address is not given again at once, so that late packets find nobody. */
  #next = 2;

  /** `taken`: addresses in use already, by pods of an earlier kubelet. */
  constructor(cidr: string, taken: Iterable<string> = []) {
    const [address, bits] = cidr.split("/") as [string, string | undefined];
    const prefix = Number(bits);
    if (!/^\d+\.\d+\.\d+\.\d+$/.test(address) || !(prefix >= 8 && prefix <= 30)) {
      throw new Error(`pod CIDR ${JSON.stringify(cidr)}: an IPv4 range of /8 to /30 is needed`);
    }
    this.cidr = cidr;
    this.#size = 2 ** (32 - prefix);
    this.#base = Math.floor(toNumber(address) / this.#size) * this.#size;
    for (const ip of taken) this.claim(ip);
  }

  get first(): string {
    return toText(this.#base + 1);
  }

  allocate(): string {
    for (let tried = 0; tried < this.#size; tried++) {
      const offset = this.#next;
      this.#next = offset >= this.#size - 2 ? 2 : offset + 1;
      if (this.#taken.has(offset)) continue;
      this.#taken.add(offset);
      return toText(this.#base + offset);
    }
    throw new Error(`no free address left in ${this.cidr}`);
  }

  /** Marks an address as given, e.g. by an earlier kubelet. */
  claim(ip: string): void {
    this.#taken.add(toNumber(ip) - this.#base);
  }

  release(ip: string): void {
    this.#taken.delete(toNumber(ip) - this.#base);
  }
}

function toNumber(ip: string): number {
  return ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(ip: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(ip / 2 ** shift) % 256).join(".");
}
