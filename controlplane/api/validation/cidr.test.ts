import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAddress, formatBlock, isStrictSubset, parseAddress, parseBlock } from "./cidr.ts";

test.each([
  ["10.96.0.1", "10.96.0.1"],
  ["2001:0DB8:0:0:0:0:0:0001", "2001:db8::1"],
  ["::", "::"],
  ["::1", "::1"],
  ["fe80::", "fe80::"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
])("the one spelling of %s is %s (RFC 5952)", (text, canonical) => {
  const address = parseAddress(text);
  expect(address && formatAddress(address)).toBe(canonical);
});

test("what is no address or block is undefined", () => {
  for (const text of ["", "10.0.0", "1::2::3", "host"]) expect(parseAddress(text)).toBeUndefined();
  for (const text of ["10.0.0.0", "10.0.0.0/33", "::/129"]) expect(parseBlock(text)).toBeUndefined();
});

test("a block is spelt by its lowest address", () => {
  expect(formatBlock(parseBlock("10.1.2.3/8")!)).toBe("10.0.0.0/8");
  expect(formatBlock(parseBlock("2001:db8:1::5/32")!)).toBe("2001:db8::/32");
});

test.each<[string, string, boolean]>([
  ["10.1.0.0/16", "10.0.0.0/8", true],
  ["10.0.0.0/8", "10.0.0.0/8", false],
  ["11.0.0.0/16", "10.0.0.0/8", false],
  ["10.0.0.0/8", "10.1.0.0/16", false],
  ["::/96", "0.0.0.0/0", false],
  ["10.1.2.3/32", "0.0.0.0/0", true],
])("%s within %s: %s", (inner, outer, within) => {
  expect(isStrictSubset(parseBlock(inner)!, parseBlock(outer)!)).toBe(within);
});

test("an address survives being written and read", () => {
  const ipv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ bits: 32 as const, value }));
  // Sparse ones have runs of zeros, which are what is hard to write.
  const group = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn }));
  const ipv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => ({
    bits: 128 as const,
    value: groups.reduce((sum, each) => (sum << 16n) | each, 0n),
  }));
  fc.assert(
    fc.property(fc.oneof(ipv4, ipv6), (address) => {
      expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
});
