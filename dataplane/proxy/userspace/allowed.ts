import { BlockList } from "node:net";

/** Who may connect: everybody, until there are ranges. */
export class Allowed {
  #ranges: BlockList | undefined;

  /** IPv4 ranges, `10.0.0.0/8`. */
  update(ranges: readonly string[]): void {
    this.#ranges = ranges.length === 0 ? undefined : new BlockList();
    for (const range of ranges) {
      const [network = "", bits = "32"] = range.split("/");
      this.#ranges?.addSubnet(network, Number(bits));
    }
  }

  has(address: string): boolean {
    return this.#ranges?.check(address) ?? true;
  }
}
