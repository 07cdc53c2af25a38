import { createServer, type Socket } from "node:net";
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { grpcHealth } from "./grpc-health.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A gRPC server of the library everybody uses; its health service gives these statuses to services by name. */
async function healthServer(statuses: Readonly<Record<string, number>> | undefined): Promise<number> {
  const server = new Server();
  const check: handleUnaryCall<{ service: string }, number> = (call, answer) => {
    const found = statuses?.[call.request.service];
    if (found === undefined) answer({ code: status.NOT_FOUND, details: "unknown service" });
    else answer(null, found);
  };
  const definition = {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false as const,
    responseStream: false as const,
    requestDeserialize: (bytes: Buffer) => ({ service: bytes.subarray(2).toString() }),
    requestSerialize: () => Buffer.alloc(0),
    responseSerialize: (value: number) => Buffer.from(value === 0 ? [] : [0x08, value]),
    responseDeserialize: () => 0,
  };
  if (statuses !== undefined) server.addService({ check: definition }, { check } as UntypedServiceImplementation);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  closing.push(() => server.forceShutdown());
  return promise;
}

test("a service that serves is healthy, and one that does not says so", async () => {
  const port = await healthServer({ "": 1, tired: 2, silent: 0 });
  const ask = (service: string) => grpcHealth("127.0.0.1", port, service, 1000);
  expect(await ask("")).toEqual({ result: "success", output: "service healthy" });
  expect(await ask("tired")).toEqual({ result: "failure", output: 'service unhealthy (responded with "NOT_SERVING")' });
  expect(await ask("silent")).toEqual({ result: "failure", output: 'service unhealthy (responded with "UNKNOWN")' });
  expect((await ask("other")).output).toContain("error: health rpc probe failed: rpc error");
});

test("a server without the health service is told apart", async () => {
  const port = await healthServer(undefined);
  const { result, output } = await grpcHealth("127.0.0.1", port, "", 1000);
  expect(result).toBe("failure");
  expect(output).toContain("does not implement the grpc health protocol (grpc.health.v1.Health)");
});

test("nobody there, and somebody who never answers", async () => {
  expect(await grpcHealth("127.0.0.1", 1, "", 1000)).toEqual({
    result: "failure",
    output: "error: health rpc probe failed: dial tcp 127.0.0.1:1: connect: connection refused",
  });
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  const port = await new Promise<number>((resolve) =>
    silent.listen(0, "127.0.0.1", () => resolve((silent.address() as { port: number }).port)),
  );
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  expect(await grpcHealth("127.0.0.1", port, "", 200)).toEqual({
    result: "failure",
    output: "timeout: health rpc did not complete within 0.2s",
  });
});
