import { type EtcdErrorName, etcdErrors } from "../../proto/mod.ts";
import type { Failure } from "../mvcc/mod.ts";
import type { Call } from "./grpc/mod.ts";

/** Ends a call with a failure's code and text. For callbacks, where nobody would catch what is thrown. */
export function failCall(call: Call, { failure }: Failure<EtcdErrorName>): void {
  const [code, message] = etcdErrors[failure];
  call.fail(code, message);
}
