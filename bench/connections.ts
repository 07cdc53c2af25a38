import { connect } from "node:net";
import { quantile } from "./stats.ts";

/** GETs, each on a connection of its own. */
export interface ConnectionLoad {
  readonly host: string;
  readonly port: number;
  /** At a time. */
  readonly connections: number;
  readonly forMs: number;
}

export interface ConnectionReport {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
}

const question = "GET / HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n";

/** Resolves when the connection is closed; rejects unless a 200 came before. Less of it than Node's client, which would be slower than what it measures. */
function ask(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => socket.write(question));
    let answered = false;
    socket.on("data", (bytes) => {
      answered ||= bytes.subarray(0, 15).equals(good);
    });
    socket.on("error", reject);
    socket.on("close", () => (answered ? resolve() : reject(new Error(`no good answer from ${host}:${port}`))));
  });
}

const good = Buffer.from("HTTP/1.1 200 OK");

export async function connectionLoad({ host, port, connections, forMs }: ConnectionLoad): Promise<ConnectionReport> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const one = async () => {
    for (let askedAt = performance.now(); askedAt - startedAt < forMs; askedAt = performance.now()) {
      await ask(host, port);
      latencies.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  const seconds = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  return { requestsPerSecond: latencies.length / seconds, p99Ms: quantile(latencies, 0.99) };
}

// In a pod: node connections.ts LOAD, with LOAD as JSON, prints the report as JSON.
if (import.meta.main)
  console.log(JSON.stringify(await connectionLoad(JSON.parse(process.argv[2] ?? "{}") as ConnectionLoad)));
