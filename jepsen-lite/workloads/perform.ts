import { EtcdError } from "../../kvstore/client/mod.ts";
import { Status, statusName } from "../../proto/mod.ts";
import type { Json } from "../history/mod.ts";
import type { WorkloadClient, WorkloadContext } from "./workload.ts";

/** What an operation comes back with that found nothing to do: it is recorded as `fail`. */
export const nothing = Symbol("nothing");

/** Does the work, and resolves to what came of it. What it `tells` on the way is recorded if it does not end in `ok`. */
export type Work<Result> = (tell: (value: Json) => void) => Promise<Result | typeof nothing>;

/** Records one operation that changes nothing: if it fails, it did not happen. Resolves to undefined then. */
export function performRead<Result extends Json>(
  context: WorkloadContext,
  client: WorkloadClient,
  f: string,
  asked: Json,
  work: Work<Result>,
): Promise<Result | undefined> {
  return perform(context, client, f, asked, false, work);
}

/** Records one operation that changes something: it is `fail` only if it certainly was not, and will not be, carried out. */
export function performWrite<Result extends Json>(
  context: WorkloadContext,
  client: WorkloadClient,
  f: string,
  asked: Json,
  work: Work<Result>,
): Promise<Result | undefined> {
  return perform(context, client, f, asked, true, work);
}

async function perform<Result extends Json>(
  { recorder }: WorkloadContext,
  client: WorkloadClient,
  f: string,
  asked: Json,
  isWrite: boolean,
  work: Work<Result>,
): Promise<Result | undefined> {
  const done = recorder.invoke(client.number, f, asked);
  let told = asked;
  try {
    const result = await work((value) => {
      told = value;
    });
    if (result !== nothing) {
      done("ok", result);
      return result;
    }
    done("fail", told, { class: "nothing", text: "there was nothing to do" });
  } catch (error) {
    if (error instanceof Unread) done("fail", told, { class: "unread", text: error.message });
    else if (!(error instanceof EtcdError)) throw error;
    else if (isWrite && error.maybeApplied) done("info", told, classOf(error));
    else done("fail", told, isWrite && wasUnsent(error) ? { class: "unsent", text: error.message } : classOf(error));
  }
  return undefined;
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

/** No connection could be made, and time ran out perhaps. The same errors of a request that was sent tell nothing of what became of it. */
function wasUnsent({ maybeApplied, code }: EtcdError): boolean {
  return !maybeApplied && (code === Status.Unavailable || code === Status.DeadlineExceeded || code === Status.Canceled);
}

/** As histories name it: etcd's error, else gRPC's status. */
export function classOf({ etcdCode, code, message }: EtcdError): { readonly class: string; readonly text: string } {
  return { class: etcdCode ?? statusName(code), text: message };
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString();
}
