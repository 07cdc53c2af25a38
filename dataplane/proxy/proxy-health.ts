import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Clock, Log } from "../../base/mod.ts";
import type { Node } from "../../controlplane/api/mod.ts";

export interface HealthzAddress {
  readonly host: string;
  readonly port: number;
}

/** A change may wait this long to be applied: twice the time between full syncs of the original. */
const timeoutMs = 60_000;

/** Load balancers shall not send new connections to a node that is about to go (KEP-3836). */
function isEligible(node: Node | undefined): boolean {
  const taints = node?.spec.taints ?? [];
  return (
    node?.metadata.deletionTimestamp === undefined &&
    !taints.some(({ key }) => key === "ToBeDeletedByClusterAutoscaler")
  );
}

/**
 * Whether a proxy keeps up with changes, told to load balancers that treat all nodes alike: `/healthz` is 503 as well when the node is
 * about to go, `/livez` is about the proxy alone. In the words of kube-proxy (pkg/proxy/healthcheck/proxy_health.go).
 */
export class ProxyHealth {
  readonly #clock: Clock;
  readonly #node: () => Node | undefined;
  /** When the oldest change came that is not applied yet. */
  #pendingMs: number | undefined;
  #appliedMs: number;
  #server: Server | undefined;

  constructor(clock: Clock, node: () => Node | undefined) {
    this.#clock = clock;
    this.#node = node;
    this.#appliedMs = clock.now();
  }

  /** A change has come. */
  changed(): void {
    this.#pendingMs ??= this.#clock.monotonic();
  }

  /** Everything is applied that had come by then (of the monotonic clock). */
  applied(startedMs: number): void {
    this.#appliedMs = this.#clock.now();
    if (this.#pendingMs !== undefined && this.#pendingMs <= startedMs) this.#pendingMs = undefined;
  }

  get isHealthy(): boolean {
    return this.#pendingMs === undefined || this.#clock.monotonic() - this.#pendingMs < timeoutMs;
  }

  /** A port that is taken is logged: Services work without. */
  async listen({ host, port }: HealthzAddress, log: Log): Promise<void> {
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://proxy").pathname;
      if (path !== "/healthz" && path !== "/livez") return void response.writeHead(404).end();
      const eligible = isEligible(this.#node());
      const isWell = this.isHealthy && (path === "/livez" || eligible);
      const time = (ms: number) => new Date(ms).toISOString();
      const now = this.#clock.now();
      response.writeHead(isWell ? 200 : 503, {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
      });
      // A proxy that is well has applied all there is: as of now.
      const lastUpdated = time(this.isHealthy ? now : this.#appliedMs);
      response.end(JSON.stringify({ lastUpdated, currentTime: time(now), nodeEligible: eligible }));
    });
    try {
      server.listen({ host, port, exclusive: true });
      await once(server, "listening");
      this.#server = server;
    } catch (error) {
      log("warn", "cannot tell of the proxy's health", { on: `${host}:${port}`, error: (error as Error).message });
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
}
