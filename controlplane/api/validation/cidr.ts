import { isCIDR, isIPv4, isIPv6 } from "./formats.ts";

/** An address as a number of `bits` bits: 32 or 128. */
export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

export interface Block extends Address {
  /** How many leading bits are the network's. */
  readonly prefix: number;
}

export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { bits: 32, value: join(text.split("."), 10, 8n) };
  if (!isIPv6(text)) return undefined;
  // The last two groups may be written as an IPv4 address.
  const hex = text.replace(/\d+(\.\d+){3}$/, (ipv4) => {
    const value = join(ipv4.split("."), 10, 8n);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [head = "", tail] = hex.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const missing = new Array<string>(8 - before.length - after.length).fill("0");
  return { bits: 128, value: join([...before, ...missing, ...after], 16, 16n) };
}

function join(parts: readonly string[], radix: number, width: bigint): bigint {
  return parts.reduce((sum, part) => (sum << width) | BigInt(Number.parseInt(part, radix)), 0n);
}

export function parseBlock(text: string): Block | undefined {
  if (isCIDR(text).length > 0) return undefined;
  const [address = "", prefix] = text.split("/");
  const parsed = parseAddress(address);
  return parsed && { ...parsed, prefix: Number(prefix) };
}

function networkOf({ bits, value, prefix }: Block): bigint {
  return value >> BigInt(bits - prefix);
}

/** Whether `inner` is a part of `outer`, and a smaller one. */
export function isStrictSubset(inner: Block, outer: Block): boolean {
  return (
    inner.bits === outer.bits &&
    inner.prefix > outer.prefix &&
    networkOf({ ...inner, prefix: outer.prefix }) === networkOf(outer)
  );
}

/** The one spelling of an address (RFC 5952): no leading zeros, the longest run of zero groups left out. */
export function formatAddress({ bits, value }: Address): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (value >> BigInt(112 - 16 * i)) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(":");
  const runs = [...text.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.sort((a, b) => b[0].length - a[0].length || a.index - b.index)[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index).replace(/:$/, "");
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}

/** The one spelling of a block: its lowest address and the length of the prefix. */
export function formatBlock(block: Block): string {
  const lowest = networkOf(block) << BigInt(block.bits - block.prefix);
  return `${formatAddress({ bits: block.bits, value: lowest })}/${block.prefix}`;
}
