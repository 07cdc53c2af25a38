import { compareBytes } from "../../base/mod.ts";
import type { AuthBuckets } from "./records.ts";
import { readAuthRecords } from "./records.ts";
import { AuthStore } from "./store.ts";

type Bucket = Parameters<AuthBuckets["put"]>[0];

/** The backend's buckets, in memory. */
export class MemoryBuckets implements AuthBuckets {
  readonly #records = new Map<string, Uint8Array>();

  put(bucket: Bucket, key: string, value: Uint8Array): void {
    this.#records.set(`${bucket}/${key}`, value.slice());
  }

  delete(bucket: Bucket, key: string): void {
    this.#records.delete(`${bucket}/${key}`);
  }

  async *scan(bucket: Bucket) {
    yield [...this.#records]
      .filter(([name]) => name.startsWith(`${bucket}/`))
      .map(([name, value]) => ({ key: Buffer.from(name.slice(bucket.length + 1), "latin1"), value }))
      .sort((a, b) => compareBytes(a.key, b.key));
  }

  /** As hexadecimal text, by `bucket/key`. */
  get records(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#records].map(([name, value]) => [name, Buffer.from(value).toString("hex")]));
  }
}

export async function openStore(buckets = new MemoryBuckets()): Promise<AuthStore> {
  return new AuthStore(buckets, await readAuthRecords(buckets));
}
