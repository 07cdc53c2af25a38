import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConnectionError } from "../error.ts";
import { HpackDecoder } from "./decoder.ts";
import { HpackEncoder, RepeatedHeaders } from "./encoder.ts";

const fromHex = (hex: string) =>
  Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (x) => Number.parseInt(x, 16));
const newDecoder = (maxTableBytes = 4096, maxListBytes = 65_536) => new HpackDecoder({ maxTableBytes, maxListBytes });
const decodeAll = (decoder: HpackDecoder, bytes: Uint8Array) => decoder.decode(bytes, 0, bytes.length);
const plain = (decoder: HpackDecoder, bytes: Uint8Array) => {
  const block = decodeAll(decoder, bytes);
  const pseudo = (["method", "scheme", "path", "authority", "status"] as const)
    .filter((name) => block?.[name] !== undefined)
    .map((name) => `:${name}: ${block?.[name]}`);
  return [...pseudo, ...(block?.fields.map(({ name, value }) => `${name}: ${value}`) ?? [])];
};

describe("decodes the examples of RFC 7541", () => {
  test("C.3, requests without Huffman coding", () => {
    const decoder = newDecoder();
    const first = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
    expect(plain(decoder, fromHex("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"))).toEqual(first);
    expect(plain(decoder, fromHex("8286 84be 5808 6e6f 2d63 6163 6865"))).toEqual([
      ...first,
      "cache-control: no-cache",
    ]);
  });

  test("C.4, requests with Huffman coding", () => {
    const decoder = newDecoder();
    const first = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
    expect(plain(decoder, fromHex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"))).toEqual(first);
    expect(plain(decoder, fromHex("8286 84be 5886 a8eb 1064 9cbf"))).toEqual([...first, "cache-control: no-cache"]);
    expect(plain(decoder, fromHex("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"))).toEqual([
      ":method: GET",
      ":scheme: https",
      ":path: /index.html",
      ":authority: www.example.com",
      "custom-key: custom-value",
    ]);
  });

  test("C.6, responses that evict entries", () => {
    const decoder = newDecoder(256);
    const rest = ["cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"];
    const one =
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
    expect(plain(decoder, fromHex(one))).toEqual([":status: 302", ...rest]);
    expect(plain(decoder, fromHex("4883 640e ffc1 c0bf"))).toEqual([":status: 307", ...rest]);
    const three =
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07";
    expect(plain(decoder, fromHex(three))).toEqual([
      ":status: 200",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:22 GMT",
      "location: https://www.example.com",
      "content-encoding: gzip",
      "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ]);
  });
});

test("what is encoded is decoded, block after block, while the table changes its size", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const value = fc.oneof(fc.stringMatching(/^[\x20-\x7e]{0,40}$/), fc.constantFrom("a", "b", "x".repeat(3000)));
  const header = fc.record({
    name: fc.oneof(name, fc.constantFrom("grpc-status", "token")),
    value,
    varies: fc.boolean(),
  });
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.array(header, { maxLength: 8 }) },
    { weight: 1, arbitrary: fc.nat({ max: 4096 }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const [encoder, decoder] = [new HpackEncoder(), newDecoder()];
      for (const next of steps) {
        if (typeof next === "number") encoder.setMaxTableBytes(next);
        else {
          // Whether a field is allowed (such as te) is judged at the same time, and tested elsewhere.
          const decoded = decodeAll(decoder, encoder.encode(next))?.fields.map(({ name, value }) => ({ name, value }));
          expect(decoded).toEqual(next.map(({ name, value }) => ({ name, value })));
        }
      }
    }),
  );
});

test("headers sent again are a byte each, and the receiver gets the very same block", () => {
  const [encoder, decoder] = [new HpackEncoder(), newDecoder()];
  const headers = new RepeatedHeaders([
    { name: ":status", value: "200" },
    { name: "content-type", value: "application/grpc" },
  ]);
  const first = decodeAll(decoder, encoder.encodeRepeated(headers));
  expect(encoder.encodeRepeated(headers)).toHaveLength(2);
  const second = decodeAll(decoder, encoder.encodeRepeated(headers));
  expect(second).toEqual(first);
  expect(decodeAll(decoder, encoder.encodeRepeated(headers))).toBe(second);
  encoder.encode([{ name: "other", value: "moves the table" }]);
  decodeAll(decoder, fromHex("40 01 6f 01 6d")); // the same on this side
  expect(decodeAll(decoder, encoder.encodeRepeated(headers))).toEqual(first);
});

test.each([
  ["an index that nothing has", "ff 80 01"],
  ["the index 0", "80"],
  ["a name by an index that nothing has", "7f 80 01 01 61"],
  ["a string that is longer than the block", "40 05 61 62"],
  ["an integer without end", "ff ff ff ff ff ff ff ff"],
  ["a Huffman string that ends in a symbol's middle", "40 81 00 00"],
  ["Huffman padding of a whole byte", "40 82 1f ff 00"],
  ["the end of string inside a string", "40 84 ff ff ff ff 00"],
  ["a table larger than allowed", "3f e2 1f"],
  ["a change of the table's size after a field", "82 20"],
])("%s ends the connection", (_, hex) => {
  expect(() => decodeAll(newDecoder(), fromHex(hex))).toThrow(ConnectionError);
});

test("a list that is too large is left out, but its fields are in the table", () => {
  const decoder = newDecoder(4096, 100);
  const encoder = new HpackEncoder();
  const large = [{ name: "a", value: "x".repeat(200) }];
  expect(decodeAll(decoder, encoder.encode(large))).toBeUndefined();
  const small = [{ name: "b", value: "y" }];
  expect(decodeAll(decoder, encoder.encode(small))?.fields).toEqual(small);
});

test.each([
  ["upper case", [{ name: "Te", value: "x" }]],
  ["a hop-by-hop field", [{ name: "connection", value: "close" }]],
  ["te other than trailers", [{ name: "te", value: "gzip" }]],
  [
    "a pseudo-field after others",
    [
      { name: "a", value: "b" },
      { name: ":path", value: "/" },
    ],
  ],
  ["an unknown pseudo-field", [{ name: ":version", value: "1" }]],
  [
    "a pseudo-field twice",
    [
      { name: ":path", value: "/" },
      { name: ":path", value: "/" },
    ],
  ],
  ["a line break", [{ name: "a", value: "b\r\nc" }]],
])("%s makes a block malformed", (_, headers) => {
  expect(decodeAll(newDecoder(), new HpackEncoder().encode(headers))?.malformed).toBeTypeOf("string");
});
