import { type EtcdErrorName, etcdErrorName, Status, statusName } from "../../proto/mod.ts";

/** What a call failed with. */
export class EtcdError extends Error {
  override readonly name: string = "EtcdError";
  /** The gRPC status. */
  readonly code: Status;
  /** Which of etcd's errors it is, told by its text: `Compacted`, `LeaseNotFound`, … */
  readonly etcdCode: EtcdErrorName | undefined;
  /** The request was sent and may have been carried out, now or later. Of a read it means nothing. */
  readonly maybeApplied: boolean;

  constructor(code: number, message: string, options: { maybeApplied?: boolean; cause?: unknown } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = Status[statusName(code)];
    this.etcdCode = etcdErrorName(message);
    this.maybeApplied = options.maybeApplied ?? false;
  }
}

/** A watch cannot go on: the revision it needs next was compacted. */
export class CompactedError extends EtcdError {
  override readonly name = "CompactedError";
  readonly compactRevision: number;

  constructor(compactRevision: number) {
    super(Status.OutOfRange, "etcdserver: mvcc: required revision has been compacted");
    this.compactRevision = compactRevision;
  }
}
