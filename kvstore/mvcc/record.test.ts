import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyValue } from "../../proto/mod.ts";
import { maxRecordBytes, recordAt, withoutValue, withoutValueAndLease, writeRecord } from "./record.ts";

const number = fc.integer({ min: 1, max: 2 ** 40 });
const value = fc.uint8Array({ maxLength: 200 });
const lease = fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

test("without its value, or its lease too, a record keeps everything else", () => {
  fc.assert(
    fc.property(number, number, number, value, lease, (createRevision, modRevision, version, value, lease) => {
      const bytes = new Uint8Array(7 + maxRecordBytes("key", value));
      const end = writeRecord(bytes, 7, "key", createRevision, modRevision, version, value, lease);
      const record = recordAt(bytes, 7, end);
      const whole = KeyValue.decode(bytes.subarray(7, end));
      const decoded = ({ buffer, start, end }: typeof record) => KeyValue.decode(buffer.subarray(start, end));
      expect(decoded(record)).toEqual(whole);
      expect(decoded(withoutValue(record))).toEqual({ ...whole, value: new Uint8Array() });
      expect(decoded(withoutValueAndLease(record))).toEqual({ ...whole, value: new Uint8Array(), lease: 0n });
    }),
  );
});
