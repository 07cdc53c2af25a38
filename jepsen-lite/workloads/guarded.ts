import { CompareResult, CompareTarget } from "../../proto/mod.ts";
import { bytes, reading, text } from "./perform.ts";
import type { WorkloadClient } from "./workload.ts";

/** A key as it was read. */
export interface Found {
  readonly key: string;
  /** Undefined: it is not there. */
  readonly value: string | undefined;
  /** Of its last change; 0 when it is not there, which is how comparisons say that too. */
  readonly modRevision: number;
}

/** Reads keys at one moment: the first half of an operation that then writes. */
export async function readTogether({ etcd }: WorkloadClient, keys: readonly string[]): Promise<readonly Found[]> {
  const success = keys.map((key) => ({ requestRange: { key: bytes(key) } }));
  const { responses } = await reading(etcd.kv.txn({ success, failure: [] }));
  return keys.map((key, at) => {
    const kv = responses[at]?.responseRange?.kvs[0];
    return { key, value: kv === undefined ? undefined : text(kv.value), modRevision: kv?.modRevision ?? 0 };
  });
}

/** Writes, all or nothing, if none of the keys has changed since it was read. False: one has. */
export async function writeUnlessChanged(
  { etcd }: WorkloadClient,
  found: readonly Found[],
  values: ReadonlyMap<string, string>,
): Promise<boolean> {
  const { succeeded } = await etcd.kv.txn({
    compare: found.map(({ key, modRevision }) => ({
      key: bytes(key),
      target: CompareTarget.MOD,
      result: CompareResult.EQUAL,
      modRevision,
    })),
    success: [...values].map(([key, value]) => ({ requestPut: { key: bytes(key), value: bytes(value) } })),
  });
  return succeeded;
}
