// Usage: npm run bench -- http2 [--requests 100000] [--rounds 3]
// What a unary gRPC call costs a server: ours, node:http2 and grpc-js answer the same Put at once, under the same load.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { PutRequest } from "../proto/mod.ts";
import { h2load } from "./h2load.ts";
import { markdownTable, median } from "./stats.ts";

const servers = ["ours", "node:http2", "grpc-js"] as const;
const message = PutRequest.encode({ key: new Uint8Array(20).fill(0x6b), value: new Uint8Array(256).fill(0x76) });

interface Cost {
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
}

async function measure(server: string, requests: number): Promise<Cost> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "http2-server.ts"), server], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const url = `http://127.0.0.1:${(await lines.next()).value}`;
  const load = { method: "/etcdserverpb.KV/Put", message, requests, connections: 4, streams: 64 };
  const cpuMicros = async () => {
    child.stdin.write("\n");
    return Number((await lines.next()).value);
  };
  await h2load(url, { ...load, requests: Math.ceil(requests / 5) }, tmpdir()); // until the code is compiled
  const before = await cpuMicros();
  const { perSecond: requestsPerSecond } = await h2load(url, load, tmpdir());
  const cpuMicrosPerRequest = ((await cpuMicros()) - before) / requests;
  child.stdin.end();
  await once(child, "close");
  return { requestsPerSecond, cpuMicrosPerRequest };
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { requests: { type: "string", default: "100000" }, rounds: { type: "string", default: "3" } },
  });
  const costs = new Map<string, Cost[]>(servers.map((server) => [server, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const server of servers) costs.get(server)?.push(await measure(server, Number(values.requests)));
  }
  const rows = servers.map((server) => {
    const of = (pick: (cost: Cost) => number) => median((costs.get(server) ?? []).map(pick));
    const [rate, cpu] = [of((cost) => cost.requestsPerSecond), of((cost) => cost.cpuMicrosPerRequest)];
    return [server, Math.round(rate).toLocaleString("en"), cpu.toFixed(1)];
  });
  console.log(markdownTable(["unary Put, 4 × 64 in flight", "requests/s", "CPU µs/request"], rows));
}
