import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";

/** GETs from several connections, each sending the next request when it has its answer, as wrk does. */
export interface HttpLoad {
  readonly url: string;
  /** The Host header, where it is not that of the URL. */
  readonly host?: string;
  readonly connections: number;
  /** False: a connection per request. */
  readonly keepAlive: boolean;
  readonly forMs: number;
  /** Between an answer and the next request. Default none. */
  readonly pauseMs?: number;
}

export interface LoadReport {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** Everything that is not a 200 with a body, as it was seen, with how often. No request is ever repeated. */
  readonly failures: Readonly<Record<string, number>>;
  /** Bodies with how often each came. */
  readonly bodies: Readonly<Record<string, number>>;
}

function get(load: HttpLoad, agent: Agent | false): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = load.host === undefined ? {} : { host: load.host };
    const query = request(load.url, { agent, headers, timeout: 10_000 }, (message) => {
      text(message).then((body) => resolve({ status: message.statusCode ?? 0, body: body.trim() }), reject);
    });
    query.on("timeout", () => query.destroy(new Error("no answer within 10 s")));
    query.on("error", reject).end();
  });
}

export async function httpLoad(load: HttpLoad): Promise<LoadReport> {
  const { connections, keepAlive, forMs, pauseMs = 0 } = load;
  const agent = keepAlive ? new Agent({ keepAlive, maxSockets: connections }) : false;
  const latencies: number[] = [];
  const failures: Record<string, number> = {};
  const bodies: Record<string, number> = {};
  const startedAt = performance.now();
  const connection = async () => {
    while (performance.now() - startedAt < forMs) {
      const askedAt = performance.now();
      try {
        const { status, body } = await get(load, agent);
        if (status !== 200 || body === "") throw new Error(`${status} ${body}`);
        bodies[body] = (bodies[body] ?? 0) + 1;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const seen = `${code ?? ""} ${message} in second ${Math.floor((askedAt - startedAt) / 1000)}`.trim();
        failures[seen] = (failures[seen] ?? 0) + 1;
      }
      latencies.push(performance.now() - askedAt);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  if (agent !== false) agent.destroy();
  const seconds = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  const p99Ms = latencies[Math.floor(latencies.length * 0.99)] ?? 0;
  return { requests: latencies.length, requestsPerSecond: latencies.length / seconds, p99Ms, failures, bodies };
}

// In a pod: node http-load.ts LOAD, with LOAD as JSON, prints the report as JSON.
if (import.meta.main) console.log(JSON.stringify(await httpLoad(JSON.parse(process.argv[2] ?? "{}") as HttpLoad)));
