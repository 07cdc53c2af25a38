import type { Caller, CallListener, OutgoingCall } from "./rpc/grpc/mod.ts";
import { LocalCalls, routesOf } from "./rpc/grpc/mod.ts";
import { Member } from "./server/member.ts";
import type { MemberOptions } from "./server/options.ts";
import { checkCall, maxRequestBytesOf, servicesOf } from "./services.ts";

/** A member without a port for clients: whoever started it brings their calls, in its own way. For simulations. */
export interface LocalMember {
  readonly member: Member;
  /** As over gRPC: `path` such as `/etcdserverpb.KV/Put`. Throws an `RpcError` when there is no such method. */
  call(path: string, caller: Caller, listener: CallListener): OutgoingCall;
  /** Ends all streams of clients. */
  stopStreams(): void;
}

/** Rejects with a `Failure` as `startMember` does. */
export async function startLocalMember(options: MemberOptions): Promise<LocalMember> {
  const member = await Member.start(options);
  const services = servicesOf(member, () => calls);
  const calls = new LocalCalls({
    routes: routesOf(services.implementations),
    beforeCall: (call) => checkCall(member, call),
    observer: undefined,
    maxRequestBytes: maxRequestBytesOf(member),
    clock: member.clock,
    log: options.log,
  });
  return {
    member,
    call: (path, caller, listener) => calls.call(path, caller, listener),
    stopStreams: () => services.stop(),
  };
}
