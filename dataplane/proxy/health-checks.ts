import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { Log } from "../../base/mod.ts";
import type { ServicePort } from "./service-ports.ts";

export interface HealthCheck {
  readonly service: string;
  /** Ready backends on this node. */
  readonly localEndpoints: number;
}

/** Port to what is answered there, for Services whose outside traffic must end where it arrives. */
export function healthChecks(ports: readonly ServicePort[]): Map<number, HealthCheck> {
  const addresses = new Map<string, Set<string>>();
  const checks = new Map<number, string>();
  for (const { service, healthCheckNodePort, ready } of ports) {
    if (healthCheckNodePort === undefined) continue;
    checks.set(healthCheckNodePort, service);
    const known = addresses.get(service) ?? new Set();
    for (const { address, local } of ready) if (local) known.add(address);
    addresses.set(service, known);
  }
  return new Map(
    [...checks].map(([port, service]) => [port, { service, localEndpoints: addresses.get(service)?.size ?? 0 }]),
  );
}

/**
 * Answers load balancers that ask whether a node has backends of a Service: 200 with their number, 503 when it has none, in the words of
 * kube-proxy (pkg/proxy/healthcheck/service_health.go).
 */
export class HealthCheckServers {
  readonly #host: string;
  /** Whether the proxy keeps up: what it knows of backends may be old otherwise. */
  readonly #isHealthy: () => boolean;
  readonly #log: Log;
  readonly #servers = new Map<number, Server>();
  #checks: ReadonlyMap<number, HealthCheck> = new Map();

  constructor(host: string, isHealthy: () => boolean, log: Log) {
    this.#host = host;
    this.#isHealthy = isHealthy;
    this.#log = log;
  }

  async sync(checks: ReadonlyMap<number, HealthCheck>): Promise<void> {
    this.#checks = checks;
    for (const [port, server] of this.#servers) {
      if (checks.has(port)) continue;
      this.#servers.delete(port);
      await close(server);
    }
    for (const port of checks.keys()) if (!this.#servers.has(port)) await this.#listen(port);
  }

  async stop(): Promise<void> {
    await this.sync(new Map());
  }

  async #listen(port: number): Promise<void> {
    const server = createServer((_, response) => answer(response, this.#checks.get(port), this.#isHealthy()));
    try {
      server.listen({ host: this.#host, port, exclusive: true });
      await once(server, "listening");
      this.#servers.set(port, server);
    } catch (error) {
      // One port that is taken must not keep the Services from working; the next change tries again.
      const { message } = error as Error;
      this.#log("warn", "cannot answer health checks of a Service", { on: `${this.#host}:${port}`, error: message });
    }
  }
}

function answer(response: ServerResponse, check: HealthCheck | undefined, isHealthy: boolean): void {
  const { service = "/", localEndpoints = 0 } = check ?? {};
  const [namespace, name] = service.split("/");
  response.statusCode = localEndpoints > 0 && isHealthy ? 200 : 503;
  response.setHeader("Content-Type", "application/json");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("X-Load-Balancing-Endpoint-Weight", String(localEndpoints));
  const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: isHealthy };
  response.end(`${JSON.stringify(body, undefined, "\t")}\n`);
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
