import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyIndex } from "./key-index.ts";
import { parseRecord, valueIn } from "./record.ts";
import { RecordMemory } from "./record-memory.ts";

/** Keys with the values they should have, in a memory whose caller does what the store does. */
class Keys {
  readonly memory: RecordMemory;
  readonly values = new Map<string, string>();
  readonly #entries = new Map<string, KeyIndex>();
  #revision = 1;

  constructor(budgetBytes: number) {
    this.memory = new RecordMemory(budgetBytes);
  }

  put(key: string, value: string): void {
    const entry = this.#entries.get(key) ?? new KeyIndex(key);
    this.#entries.set(key, entry);
    this.#supersede(entry);
    const main = ++this.#revision;
    const record = this.memory.write(entry, key, main, main, 1, Buffer.from(value), 0n);
    entry.put(main, 0, main, 1, 0n, record);
    this.values.set(key, value);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#supersede(entry);
    this.#entries.delete(key);
    this.values.delete(key);
  }

  /** What is in memory of a key. */
  inMemory(key: string): string | undefined {
    const record = this.#entries.get(key)?.record;
    return record && Buffer.from(valueIn(parseRecord(record))).toString();
  }

  #supersede(entry: KeyIndex): void {
    if (entry.record !== undefined) this.memory.release(entry.record);
    entry.record = undefined;
  }
}

test("a key's record is its last, whatever was moved or given back", () => {
  const change = fc.tuple(fc.nat(300), fc.constantFrom("small", "medium", "large", "delete"));
  fc.assert(
    fc.property(fc.array(change, { minLength: 500, maxLength: 3000 }), (changes) => {
      const keys = new Keys(1 << 30);
      const lengths = { small: 20, medium: 10_000, large: 100_000 };
      for (const [i, [key, size]] of changes.entries()) {
        if (size === "delete") keys.delete(`k${key}`);
        else keys.put(`k${key}`, `${i}`.padEnd(lengths[size as keyof typeof lengths], "."));
      }
      for (const [key, value] of keys.values) expect(keys.inMemory(key)).toBe(value);
    }),
    { numRuns: 20 },
  );
});

test("writing the same keys again and again takes no more than a few times what they hold", () => {
  const keys = new Keys(1 << 30);
  for (let i = 0; i < 100_000; i++) keys.put(`k${(i * 7919) % 2000}`, "v".repeat(1000));
  const heldBytes = 2000 * 1000;
  expect(keys.memory.sizeBytes).toBeLessThan(3 * heldBytes);
});

test("beyond the budget the records that were written longest ago go first", () => {
  const budgetBytes = 4 << 20;
  const keys = new Keys(budgetBytes);
  for (let i = 0; i < 10_000; i++) keys.put(`k${i}`, "v".repeat(1000));
  expect(keys.memory.sizeBytes).toBeLessThanOrEqual(budgetBytes);
  expect(keys.inMemory("k0")).toBeUndefined();
  expect(keys.inMemory("k9999")).toBe("v".repeat(1000));
});

test("what was handed out does not change when its key does", () => {
  const memory = new RecordMemory(1 << 20);
  const entry = new KeyIndex("k");
  const record = memory.write(entry, "k", 2, 2, 1, Buffer.from("first"), 0n);
  memory.release(record);
  for (let i = 0; i < 5000; i++) memory.release(memory.write(entry, "k", 3, 3, 1, Buffer.alloc(1000, i), 0n));
  expect(Buffer.from(valueIn(parseRecord(record))).toString()).toBe("first");
});
