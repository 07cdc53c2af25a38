import { connect, createServer, type Server, type Socket } from "node:net";
import type { Clock, Log } from "../../base/mod.ts";
import { TargetPool } from "./target-pool.ts";

export type Listen = { readonly host: string; readonly port: number } | { readonly path: string };

/** Somebody who may answer: an address, or a unix socket. */
export interface Target {
  readonly name: string;
  readonly at: Listen;
}

/** What a check found: it takes connections, or it asks for no new ones and finishes those it has. */
export type Verdict = "serving" | "draining";

export interface BalancerOptions {
  readonly listen: readonly Listen[];
  readonly targets: readonly Target[];
  /**
   * Asks a target how it is; rejects when there is no good answer. The connections of a target that failed two checks in a row are cut, so that
   * clients of one that hangs go elsewhere. Without it, a target is only left out after it refused a connection.
   */
  readonly check?: (target: Target, signal: AbortSignal) => Promise<Verdict>;
  /** Default 1 s. */
  readonly checkEveryMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Balancer {
  /** The ports in the order of `listen`; 0 for unix sockets. */
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/**
 * Forwards TCP connections, byte for byte, to one of several targets: in turn, the next one when one refuses. TLS passes through. A client is
 * cut off when no target accepts it. Rejects with the listener's error (EADDRINUSE, EACCES, …).
 */
export async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const { log } = options;
  const pool = new TargetPool(options);
  const clients = new Set<Socket>();
  const servers: Server[] = [];
  const stop = async () => {
    pool.stop();
    for (const client of clients) client.destroy();
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  };
  try {
    for (const where of options.listen) {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
        clients.add(client);
        client.on("close", () => clients.delete(client));
        client.on("error", (error) => log("debug", "a client went away", { error: error.message }));
        join(client, pool, log);
      });
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(where, resolve);
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  return { ports, stop };
}

/** Finds a target that accepts `client` and lets the two talk. */
function join(client: Socket, pool: TargetPool, log: Log): void {
  const candidates = pool.candidates();
  const tryNext = () => {
    const target = candidates.shift();
    if (target === undefined) {
      log("warn", "no target accepts connections");
      client.destroy();
      return;
    }
    const server = connect({ ...target.at, allowHalfOpen: true, noDelay: true });
    const refused = (error: Error) => {
      pool.refused(target, error);
      if (!client.destroyed) tryNext();
    };
    server.once("error", refused);
    server.once("connect", () => {
      server.off("error", refused);
      server.on("error", (error) =>
        log("debug", "a target broke a connection", { target: target.name, error: error.message }),
      );
      if (client.destroyed) {
        server.destroy();
        return;
      }
      const forget = pool.joined(target, () => server.destroy());
      server.on("close", () => {
        forget();
        client.destroy();
      });
      client.on("close", () => server.destroy());
      client.pipe(server);
      server.pipe(client);
    });
  };
  tryNext();
}
