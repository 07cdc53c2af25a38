import { createWriteStream, openSync, type WriteStream } from "node:fs";
import { type Clock, Failure, type Log } from "../../base/mod.ts";
import { type Status, statusName } from "../../proto/mod.ts";
import type { Call, CallObserver, EndedCall } from "./grpc/mod.ts";

export interface AuditLogOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Who made the call; undefined if nobody said so. */
  readonly userOf: (call: Call) => string | undefined;
}

/** Lines that may wait for the disk: beyond, they are dropped, and that is said. Calls do not wait for their line. */
const mostWaitingBytes = 16 * 1024 * 1024;
/** Of one call's keys, so many are named. */
const mostKeys = 32;

/** A line of JSON for every call that ended: who asked what of which keys, and what came of it. Never values, never passwords. */
export class AuditLog implements CallObserver {
  readonly #options: AuditLogOptions;
  #file: WriteStream;
  #dropped = 0;

  /** Throws a `Failure` if the file cannot be written to. */
  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#file = this.#open();
  }

  ended(call: EndedCall, code: Status, tookMs: number): void {
    if (this.#file.writableLength > mostWaitingBytes) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) this.#confess();
    this.#file.write(`${JSON.stringify(this.#entry(call, code, tookMs))}\n`);
  }

  /** After the file was moved away, by whoever keeps logs short. If there can be no other, the log goes on where it was. */
  reopen(): void {
    const before = this.#file;
    try {
      this.#file = this.#open();
    } catch (error) {
      this.#options.log("error", "cannot open the audit log again", { error: (error as Error).message });
      return;
    }
    before.end();
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve));
  }

  #entry(call: EndedCall, code: Status, tookMs: number): object {
    const { header } = (call.response ?? {}) as { readonly header?: { readonly revision?: number } };
    const { name, user, role, id } = (call.request ?? {}) as Fields;
    const keys = [...keysOf(call.request)].slice(0, mostKeys);
    return {
      time: new Date(this.#options.clock.now()).toISOString(),
      method: call.method.path,
      user: this.#options.userOf(call),
      peer: call.peer.address,
      ...(keys.length > 0 && { keys }),
      // Of users and roles, in requests that concern them.
      ...(typeof name === "string" && { name }),
      ...(typeof user === "string" && { name: user }),
      ...(typeof role === "string" && { role }),
      ...(typeof id === "bigint" && { id: id.toString(16) }),
      ...(header?.revision !== undefined && { revision: header.revision }),
      code: statusName(code),
      duration_ms: Math.round(tookMs * 1000) / 1000,
    };
  }

  #confess(): void {
    const { log, path } = this.#options;
    log("warn", "the disk does not keep up with the audit log", { path, dropped: this.#dropped });
    this.#dropped = 0;
  }

  #open(): WriteStream {
    const { path, log } = this.#options;
    let fd: number;
    try {
      fd = openSync(path, "a", 0o600);
    } catch (error) {
      const why = `cannot write the audit log ${path} (${(error as NodeJS.ErrnoException).code})`;
      throw new Failure("AuditLogUnwritable", why, "Give --audit-log a file in a directory that exists", error);
    }
    const file = createWriteStream(path, { fd });
    file.on("error", (error) => log("error", "cannot write the audit log", { path, error: error.message }));
    return file;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Keys of the ranges that a request names: of its operations, if it is a transaction; of a watch, what it watches. */
function* keysOf(request: unknown): Generator<{ readonly key: string; readonly range_end?: string }> {
  if (typeof request !== "object" || request === null) return;
  const { key, rangeEnd, name, leader, createRequest, compare, success, failure } = request as Fields;
  if (key instanceof Uint8Array) {
    const ranges = rangeEnd instanceof Uint8Array && rangeEnd.length > 0;
    yield { key: textOf(key), ...(ranges && { range_end: textOf(rangeEnd) }) };
  }
  // Of a lock or an election, whose keys begin with it.
  if (name instanceof Uint8Array) yield { key: textOf(name) };
  yield* keysOf(leader);
  yield* keysOf(createRequest);
  for (const list of [compare, success, failure]) {
    if (!Array.isArray(list)) continue;
    for (const operation of list) {
      yield* keysOf(operation);
      for (const inner of ["requestRange", "requestPut", "requestDeleteRange", "requestTxn"]) {
        yield* keysOf((operation as Fields)[inner]);
      }
    }
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** As text, or in base64 where it is none. */
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return `base64:${Buffer.from(bytes).toString("base64")}`; // not UTF-8
  }
}
