import { HealthService, Status } from "../../proto/mod.ts";
import { type Implementation, implement, RpcError, type StreamCall } from "./grpc/mod.ts";

const serving = 1;

/** grpc.health.v1: SERVING as long as the member answers at all. `stop` ends the watches. */
export function healthService(): { implementation: Implementation; stop(): void } {
  const watching = new Set<StreamCall<unknown>>();
  const check = (service: string) => {
    if (service !== "") throw new RpcError(Status.NotFound, "unknown service");
  };
  const implementation = implement(HealthService, {
    check({ service }, call) {
      check(service);
      call.reply({ status: serving });
    },
    watch({ service }, call) {
      check(service);
      call.write({ status: serving });
      watching.add(call as StreamCall<unknown>);
      call.onCancel = () => watching.delete(call as StreamCall<unknown>);
    },
  });
  return {
    implementation,
    stop() {
      for (const call of watching) call.end();
    },
  };
}
