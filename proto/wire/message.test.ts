import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, toUtf8 } from "../../base/mod.ts";
import { Compare, PutRequest, RangeRequest, RangeResponse, type RequestOp, TxnRequest } from "../messages/kv.ts";
import { LeaseGrantRequest } from "../messages/lease.ts";
import { Event, EventType, KeyValue } from "../messages/mvcc.ts";
import { ConfState, Entry, Snapshot } from "../messages/raft.ts";
import { WatchCreateRequest, WatchResponse } from "../messages/watch.ts";
import { WireError } from "./error.ts";
import type { Init, MessageSchema } from "./message.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error instanceof WireError ? error.code : error;
  }
  return "no error";
};

describe("presence", () => {
  test("a zero is not written, as proto3 has it", () => {
    const zeros = { key: bytes(), value: bytes(), lease: 0n, prevKv: false };
    expect(PutRequest.encode(zeros)).toEqual(bytes());
    expect(PutRequest.decode(bytes())).toEqual(PutRequest.create(zeros));
  });

  test("an empty message is written where it is present", () => {
    expect(RangeResponse.encode({ header: {} })).toEqual(bytes(0x0a, 0));
    expect(RangeResponse.decode(bytes(0x0a, 0)).header).toEqual({
      clusterId: 0n,
      memberId: 0n,
      revision: 0,
      raftTerm: 0,
    });
    expect(RangeResponse.decode(bytes()).header).toBeUndefined();
  });

  test("a zero inside a oneof is written: it says which member is meant", () => {
    expect(Compare.encode({ version: 0 })).toEqual(bytes(0x20, 0));
    expect(Compare.decode(bytes(0x20, 0)).version).toBe(0);
    expect(Compare.decode(bytes()).version).toBeUndefined();
  });

  test("of two members of a oneof the last one stands", () => {
    const both = concatBytes([Compare.encode({ version: 5 }), Compare.encode({ value: bytes(1) })]);
    expect(Compare.decode(both)).toMatchObject({ version: undefined, value: bytes(1) });
  });

  test("Raft's numbers are written even when zero, as on etcd's disks", () => {
    expect(Entry.encode({})).toEqual(bytes(0x08, 0, 0x10, 0, 0x18, 0));
    const empty = bytes(0x12, 8, 0x0a, 2, 0x28, 0, 0x10, 0, 0x18, 0);
    expect(Snapshot.encode({})).toEqual(empty);
    expect(Snapshot.decode(bytes())).toEqual(Snapshot.decode(empty));
  });
});

describe("numbers", () => {
  test("whole numbers up to 2^53 are exact; beyond, writing and reading refuse", () => {
    expect(KeyValue.decode(KeyValue.encode({ version: 2 ** 53 - 1 })).version).toBe(2 ** 53 - 1);
    expect(codeOf(() => KeyValue.encode({ version: 2 ** 53 }))).toBe("UnsafeInteger");
    expect(codeOf(() => KeyValue.encode({ version: 0.5 }))).toBe("UnsafeInteger");
    const max = bytes(0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f); // version = 2^63 - 1
    expect(codeOf(() => KeyValue.decode(max))).toBe("UnsafeInteger");
    expect(codeOf(() => Entry.encode({ term: -1 }))).toBe("UnsafeInteger");
  });

  test("a client may ask for any limit or revision: more than 2^53 - 1 means as much", () => {
    const max = bytes(0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
    expect(RangeRequest.decode(max).limit).toBe(Number.MAX_SAFE_INTEGER);
    const min = bytes(0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1);
    expect(RangeRequest.decode(min).revision).toBe(Number.MIN_SAFE_INTEGER);
    expect(LeaseGrantRequest.decode(LeaseGrantRequest.encode({ ttl: -1 })).ttl).toBe(-1);
  });

  test("ids use all 64 bits", () => {
    for (const lease of [-1n, -(2n ** 63n), 2n ** 63n - 1n, 0x7000_0000_0000_0001n])
      expect(PutRequest.decode(PutRequest.encode({ lease })).lease).toBe(lease);
  });

  test("an enum's unknown number survives", () => {
    expect(Event.decode(bytes(0x08, 9)).type).toBe(9);
    expect(Event.encode({ type: EventType.DELETE })).toEqual(bytes(0x08, 1));
  });

  test("repeated numbers are read packed and unpacked, whichever way they are written", () => {
    expect(WatchCreateRequest.encode({ filters: [0, 1] })).toEqual(bytes(0x2a, 2, 0, 1));
    expect(WatchCreateRequest.decode(bytes(0x28, 0, 0x28, 1)).filters).toEqual([0, 1]);
    expect(ConfState.encode({ voters: [1n, 300n] })).toEqual(bytes(0x08, 1, 0x08, 0xac, 2, 0x28, 0));
    expect(ConfState.decode(bytes(0x0a, 3, 1, 0xac, 2)).voters).toEqual([1n, 300n]);
  });
});

test("what was encoded before can be embedded as it stands", () => {
  const kv: Init<KeyValue> = { key: toUtf8("k"), value: toUtf8("v".repeat(200)), modRevision: 9 };
  const events = [
    { kv, prevKv: kv },
    { type: EventType.DELETE, kv: { key: toUtf8("k") } },
  ];
  const plain = WatchResponse.encode({ watchId: 3, events });
  expect(WatchResponse.encode({ watchId: 3, events: events.map((event) => Event.preEncode(event)) })).toEqual(plain);
  const inner = events.map(({ kv, ...rest }) => ({ kv: KeyValue.preEncode(kv), ...rest }));
  expect(WatchResponse.encode({ watchId: 3, events: inner })).toEqual(plain);
  expect(WatchResponse.create({ watchId: 3, events: inner })).toEqual(WatchResponse.decode(plain));
});

test("encodings that share memory do not overlap", () => {
  const messages = Array.from({ length: 300 }, (_, i) => ({ key: new Uint8Array(i * 8).fill(i), lease: BigInt(i) }));
  const encoded = messages.map((message) => PutRequest.encode(message));
  expect(encoded.map((input) => PutRequest.decode(input))).toEqual(
    messages.map((message) => PutRequest.create(message)),
  );
});

test("decoded bytes are views of the input, not copies", () => {
  const input = PutRequest.encode({ key: toUtf8("key"), value: toUtf8("value") });
  const { key } = PutRequest.decode(Buffer.from(input.buffer, input.byteOffset, input.length));
  expect(key.buffer).toBe(input.buffer);
  expect(Object.getPrototypeOf(key)).toBe(Uint8Array.prototype);
});

describe("malformed input", () => {
  test("fields that are unknown, or of another wire type, are skipped", () => {
    const unknown = bytes(0xf8, 0x7f, 1, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 2, 9, 9, 0x7d, 1, 2, 3, 4);
    const group = bytes(0x7b, 0x08, 1, 0x83, 1, 0x84, 1, 0x7c);
    const key = PutRequest.encode({ key: toUtf8("k") });
    const wrongType = bytes(0x08, 1); // `key` as a varint
    expect(PutRequest.decode(concatBytes([unknown, wrongType, key, group]))).toEqual(PutRequest.decode(key));
  });

  test.each([
    ["a length beyond the end", bytes(0x0a, 2, 1), "Truncated"],
    ["a length of more than 32 bits", bytes(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 1), "Truncated"],
    ["a tag without a value", bytes(0x18), "Truncated"],
    ["a varint that does not end", bytes(0x18, 0x80), "Truncated"],
    ["a varint of eleven bytes", bytes(0x18, ...Array(10).fill(0x80), 1), "InvalidVarint"],
    ["field number 0", bytes(0x02, 0), "InvalidTag"],
    ["wire type 7", bytes(0x7f), "InvalidTag"],
    ["a group that does not end", bytes(0x7b, 0x08, 1), "Truncated"],
  ])("%s is refused", (_, input, code) => {
    expect(codeOf(() => KeyValue.decode(input))).toBe(code);
    expect(codeOf(() => Event.decode(concatBytes([bytes(0x12, input.length), input])))).toBe(code);
  });

  test("an embedded message cannot borrow bytes from what follows it", () => {
    const kv = bytes(0x12, 1, 0x18, 1); // createRevision's tag is inside, its value outside
    expect(codeOf(() => Event.decode(kv))).toBe("Truncated");
  });

  test("text that is not UTF-8 is refused", () => {
    expect(codeOf(() => WatchResponse.decode(bytes(0x32, 1, 0xff)))).toBe("InvalidUtf8");
  });

  test("nesting without end is refused before the stack ends", () => {
    let op: Init<RequestOp> = { requestPut: {} };
    for (let i = 0; i < 3000; i++) op = { requestTxn: TxnRequest.preEncode({ success: [op] }) };
    expect(codeOf(() => TxnRequest.decode(TxnRequest.encode({ success: [op] })))).toBe("TooDeep");
  });

  test("so are more messages than the reader has time for, whatever was read before", () => {
    const many = TxnRequest.encode({ success: Array.from({ length: 9 }, () => ({ requestPut: {} })) });
    for (const most of [18, 19, 18]) {
      const read = () => TxnRequest.decodeRange(many, 0, many.length, most);
      if (most === 19) expect(read().success).toHaveLength(9);
      else expect(codeOf(read)).toBe("TooMany");
    }
    expect(TxnRequest.decode(many).success).toHaveLength(9);
  });

  test("no input makes a decoder throw anything but a WireError", () => {
    const schemas = [PutRequest, RangeResponse, TxnRequest, WatchResponse, Snapshot, ConfState];
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom<MessageSchema<unknown>>(...schemas),
        (input, schema) => {
          const result = codeOf(() => schema.decode(input));
          expect(result).toBeTypeOf("string");
        },
      ),
      { numRuns: 2000 },
    );
  });
});
