import fc from "fast-check";
import { expect, test } from "vitest";
import {
  AlarmRequest,
  LeaseGrantRequest,
  MemberAddRequest,
  type MessageSchema,
  PutRequest,
  RangeRequest,
  TxnRequest,
  TxnResponse,
  WatchRequest,
  WatchResponse,
} from "../../../proto/mod.ts";
import { values } from "../../../proto/oracle.testing.ts";
import { fromJson, toJson } from "./json-message.ts";
import { parseJson } from "./json-scalar.ts";

const schemas = [RangeRequest, TxnRequest, TxnResponse, WatchRequest, WatchResponse, LeaseGrantRequest, AlarmRequest];

test.each(schemas.map((schema) => [schema.name, schema as MessageSchema<unknown>] as const))(
  "%s comes back from its JSON",
  (_, schema) => {
    fc.assert(
      fc.property(values(schema), (value) => {
        const message = schema.create(value as never);
        const text = JSON.stringify(toJson(schema, message));
        expect(fromJson(schema, parseJson(text))).toEqual(message);
      }),
      { numRuns: 100 },
    );
  },
);

test("fields have the names of the .proto file, 64-bit numbers are texts, bytes base64, enums names, defaults nothing", () => {
  const range = { key: Uint8Array.of(0xfb, 0xff), sortOrder: 2, sortTarget: 99, limit: 7, keysOnly: true } as const;
  const json = toJson(RangeRequest, RangeRequest.create({ ...range, sortTarget: 99 as never }));
  expect(json).toEqual({ key: "+/8=", limit: "7", sort_order: "DESCEND", sort_target: 99, keys_only: true });
  const lease = toJson(LeaseGrantRequest, LeaseGrantRequest.create({ ttl: 5, id: -(2n ** 63n) }));
  expect(lease).toEqual({ TTL: "5", ID: "-9223372036854775808" });
  expect(toJson(MemberAddRequest, MemberAddRequest.create({ peerURLs: ["a"], isLearner: true }))).toEqual({
    peerURLs: ["a"],
    isLearner: true,
  });
  // One of several: there, although empty.
  expect(toJson(WatchRequest, WatchRequest.create({ progressRequest: {} }))).toEqual({ progress_request: {} });
});

test.each<[string, object]>([
  ['{"range_end":"+/8="}', { rangeEnd: Uint8Array.of(0xfb, 0xff) }],
  ['{"rangeEnd":"-_8"}', { rangeEnd: Uint8Array.of(0xfb, 0xff) }],
  ['{"limit":"7","revision":8}', { limit: 7, revision: 8 }],
  ['{"limit":1e3,"revision":-2.0}', { limit: 1000, revision: -2 }],
  ['{"limit":9223372036854775807}', { limit: Number.MAX_SAFE_INTEGER }],
  ['{"sort_order":"ASCEND","sortTarget":4}', { sortOrder: 1, sortTarget: 4 }],
  ['{"sort_order":"SIDEWAYS","unknown":{"key":[1]},"key":null}', {}],
])("a request is read from %s", (json, expected) => {
  expect(fromJson(RangeRequest, parseJson(json))).toEqual(RangeRequest.create(expected));
});

test("ids keep all their bits, written as numbers too", () => {
  const json = parseJson('{"ID":9223372036854775807,"TTL":"9007199254740993"}');
  const ttl = Number.MAX_SAFE_INTEGER;
  expect(fromJson(LeaseGrantRequest, json)).toEqual({ id: 2n ** 63n - 1n, ttl });
});

test.each<[string, MessageSchema<unknown>]>([
  ['{"key":1}', PutRequest],
  ['{"key":"a"}', PutRequest],
  ['{"key":"a*=="}', PutRequest],
  ['{"prev_kv":"true"}', PutRequest],
  ['{"lease":"x"}', PutRequest],
  ['{"lease":1.5}', PutRequest],
  ['{"lease":9223372036854775808}', PutRequest],
  ['{"lease":[]}', PutRequest],
  ['{"prev_kv":true,"prevKv":true}', PutRequest],
  ['{"create_request":{},"cancel_request":{}}', WatchRequest],
  ['{"create_request":[]}', WatchRequest],
  ['{"peerURLs":"http://a"}', MemberAddRequest],
  ['{"peerURLs":[1]}', MemberAddRequest],
  ["[]", PutRequest],
  ["1", PutRequest],
  ["null", PutRequest],
])("%s is not what it should be", (json, schema) => {
  expect(() => fromJson(schema, parseJson(json))).toThrow(expect.objectContaining({ name: "JsonError" }));
});

test.each([
  ["padding without an end", { key: `${"=".repeat(1_000_000)}a` }],
  ["a number of a million digits", { lease: "9".repeat(1_000_000) }],
  ["a large value", { value: Buffer.alloc(1_500_000).toString("base64") }],
])("%s is read, or refused, in no time", (_, put) => {
  const startMs = performance.now();
  try {
    fromJson(PutRequest, parseJson(JSON.stringify(put)));
  } catch (error) {
    expect(error).toMatchObject({ name: "JsonError" });
  }
  expect(performance.now() - startMs).toBeLessThan(1000);
});
