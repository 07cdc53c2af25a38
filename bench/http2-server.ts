// Usage: node bench/http2-server.ts ours|node:http2|grpc-js
// A gRPC server that answers every Put at once, by one of three implementations. Prints its port, and for each line of
// input the CPU time it has used, in microseconds. Ends with its input.
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { createGrpcServer, implement } from "../kvstore/rpc/grpc/mod.ts";
import { machineClock } from "../kvstore/server/machine-clock.ts";
import { type Init, KVService, PutRequest, PutResponse } from "../proto/mod.ts";

const { put } = KVService.methods;
const answer: Init<PutResponse> = {
  header: { clusterId: 0xcdf8_18194e3a_8c32n, memberId: 0x8e9e_05c52164_694dn, revision: 123_456, raftTerm: 3 },
};

const implementations: Readonly<Record<string, () => Promise<number>>> = {
  ours,
  "node:http2": nodeHttp2,
  "grpc-js": grpcJs,
};

async function ours(): Promise<number> {
  const server = createGrpcServer({
    services: [implement(KVService, { put: (_, call) => call.reply(answer) })],
    clock: machineClock,
    log: () => undefined,
  });
  return (await server.listen({ host: "127.0.0.1", port: 0 })).port;
}

async function nodeHttp2(): Promise<number> {
  const server = createHttp2Server();
  server.on("stream", (stream: ServerHttp2Stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      PutRequest.decode(Buffer.concat(chunks).subarray(5));
      const body = PutResponse.encode(answer);
      const frame = Buffer.alloc(5 + body.length);
      frame.writeUInt32BE(body.length, 1);
      frame.set(body, 5);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(frame);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function grpcJs(): Promise<number> {
  const server = new Server();
  const definition = {
    path: put.path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: Init<PutRequest>) => Buffer.from(PutRequest.encode(value)),
    requestDeserialize: (bytes: Buffer) => PutRequest.decode(bytes),
    responseSerialize: (value: Init<PutResponse>) => Buffer.from(PutResponse.encode(value)),
    responseDeserialize: (bytes: Buffer) => PutResponse.decode(bytes),
  };
  const handler = (_: ServerUnaryCall<PutRequest, Init<PutResponse>>, done: sendUnaryData<Init<PutResponse>>) =>
    done(null, answer);
  server.addService({ Put: definition }, { Put: handler });
  return new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}

const start = implementations[process.argv[2] ?? ""];
if (start === undefined) {
  console.error(`usage: node bench/http2-server.ts ${Object.keys(implementations).join("|")}`);
  process.exit(2);
}
console.log(await start());
for await (const _ of createInterface({ input: process.stdin })) {
  const { user, system } = process.cpuUsage();
  console.log(user + system);
}
process.exit();
