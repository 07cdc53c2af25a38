import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Backend } from "../backends.ts";
import type { Allowed } from "./allowed.ts";
import type { Chooser } from "./chooser.ts";

const connectTimeoutMs = 3_000;

function dial(backend: Backend): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: backend.address, port: backend.port, allowHalfOpen: true, noDelay: true });
    const timer = setTimeout(() => socket.destroy(new Error("timed out")), connectTimeoutMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** Joins two sockets until both directions have ended; an error of either ends both. */
function join(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      if (!from.readableEnded) to.destroy();
    });
  }
}

/** Accepts connections on one address and port and forwards each to a backend that answers; resets it when none does. */
export class TcpForwarder {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(chooser: Chooser, allowed: Allowed) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
      if (!allowed.has(client.remoteAddress ?? "")) return client.resetAndDestroy();
      this.#sockets.add(client);
      client.once("close", () => this.#sockets.delete(client));
      client.on("error", () => client.destroy());
      void this.#forward(client, chooser);
    });
  }

  /** Shares the port with the proxies of other nodes on the same network: each of them forwards to all backends. */
  async listen(host: string, port: number): Promise<void> {
    this.#server.listen({ host, port, exclusive: true, reusePort: true });
    await once(this.#server, "listening");
  }

  /** Ends the listener and every connection. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #forward(client: Socket, chooser: Chooser): Promise<void> {
    const address = client.remoteAddress ?? "";
    for (const backend of chooser.order(address, performance.now())) {
      let server: Socket;
      try {
        server = await dial(backend);
      } catch {
        continue; // Not there (yet, or any more): another may be.
      }
      if (client.destroyed) {
        server.destroy();
        return;
      }
      chooser.remember(address, backend, performance.now());
      this.#sockets.add(server);
      server.once("close", () => this.#sockets.delete(server));
      join(client, server);
      client.resume();
      return;
    }
    client.resetAndDestroy();
  }
}
