import { AuthService, ElectionService, LockService, type Service, Status } from "../../proto/mod.ts";
import { type Implementation, RpcError } from "./grpc/mod.ts";

/** Services that this member knows and does not offer: each call is told so, in words. `etcdctl lock` and `elect` need none of
 * them: they are recipes of the client. */
export function unsupportedServices(): Implementation[] {
  return [
    unsupported(AuthService as unknown as Service, "authentication"),
    unsupported(LockService as unknown as Service, "the lock service"),
    unsupported(ElectionService as unknown as Service, "the election service"),
  ];
}

function unsupported(service: Service, what: string): Implementation {
  const refuse = () => {
    throw new RpcError(Status.Unimplemented, `etcdserver: ${what} is not supported by this member`);
  };
  return { service, handlers: Object.fromEntries(Object.keys(service.methods).map((name) => [name, refuse])) };
}
