import { EtcdError } from "../../kvstore/client/mod.ts";
import type { Json } from "../history/mod.ts";
import type { WorkloadClient, WorkloadContext } from "./workload.ts";

/**
 * Carries out one operation and records it. An error is told as what the client knows: `fail` only if it certainly was not, and will not
 * be, carried out.
 */
export async function perform(
  { recorder }: WorkloadContext,
  client: WorkloadClient,
  f: string,
  value: Json,
  isWrite: boolean,
  work: () => Promise<Json | "nothing">,
): Promise<boolean> {
  const done = recorder.invoke(client.number, f, value);
  try {
    const result = await work();
    if (result === "nothing") done("fail", value, { class: "nothing", text: "there was nothing to do" });
    else done("ok", result);
    return result !== "nothing";
  } catch (error) {
    if (error instanceof Unread) {
      done("fail", value, { class: "unread", text: error.message });
      return false;
    }
    if (!(error instanceof EtcdError)) throw error;
    const why = { class: error.etcdCode ?? String(error.code), text: error.message };
    done(isWrite && error.maybeApplied ? "info" : "fail", value, why);
    return false;
  }
}

/** Of an operation that reads and then writes, the first half failed: whatever the error, nothing was written. */
class Unread extends Error {
  override readonly name = "Unread";
}

/** The first half of an operation that reads and then writes. */
export async function reading<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof EtcdError) throw new Unread(error.message, { cause: error });
    throw error;
  }
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString();
}
