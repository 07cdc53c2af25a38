import { type EtcdErrorName, etcdErrors, statusName } from "../../proto/mod.ts";
import type { Failure } from "../mvcc/mod.ts";
import { RpcError } from "./grpc/mod.ts";

/** Where failures become what a client sees: the one way from a name to a gRPC code and text. The table itself is
 * `etcdErrors`, since clients read it in the other direction. A failure whose name is not in it does not compile. */
export function rpcError(name: EtcdErrorName): RpcError {
  const [code, message] = etcdErrors[name];
  return new RpcError(code, message);
}

export function failureToRpcError({ failure }: Failure<EtcdErrorName>): RpcError {
  return rpcError(failure);
}

/** As Go prints a gRPC error: what a watch gives as the reason of its cancellation. */
export function goErrorText(name: EtcdErrorName): string {
  const [code, message] = etcdErrors[name];
  return `rpc error: code = ${statusName(code)} desc = ${message}`;
}
