import { type EtcdErrorName, etcdErrors, Status } from "../../proto/mod.ts";
import type { Failure } from "../mvcc/mod.ts";
import { type Call, RpcError } from "./grpc/mod.ts";

/** Ends a call with a failure's code and text. For callbacks, where nobody would catch what is thrown. */
export function failCall(call: Call, { failure }: Failure<EtcdErrorName>): void {
  const [code, message] = etcdErrors[failure];
  call.fail(code, message);
}

/** Ends a call with what was thrown, as the server does when its handler throws. For what goes on after the handler has returned. */
export function failCallWith(call: Call, error: unknown): void {
  if (error instanceof RpcError) call.fail(error.code, error.message);
  else call.fail(Status.Unknown, error instanceof Error ? error.message : String(error));
}
