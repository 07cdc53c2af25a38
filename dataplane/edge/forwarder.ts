import { connect, createServer, type Server, type Socket } from "node:net";
import type { Log } from "../../base/mod.ts";
import { type Door, doorId, hostAddress } from "./doors.ts";

/** A socket that is bound in the machine's network; whoever listens on it gets the connections made there (`net.Server.listen(handle)`). */
export type BoundSocket = object;

/** Sockets in the machine's network, for a process that has another. */
export interface HostNetwork {
  /** Rejects when the address cannot be had. */
  bind(address: string, port: number): Promise<BoundSocket>;
}

/** How the machine reaches the cluster. */
export interface HostSide {
  readonly network: HostNetwork;
  /** Beginning of the loopback addresses that stand for those of the underlay: `127.30`. */
  readonly loopback: string;
}

/** Hands connections made to the machine's loopback addresses to the addresses of the cluster that they stand for. */
export class Forwarder {
  readonly #host: HostSide;
  readonly #log: Log;
  /** By id of the door; undefined while its socket is being had, or could not be. */
  readonly #open = new Map<string, Server | undefined>();
  readonly #connections = new Set<Socket>();

  constructor(host: HostSide, log: Log) {
    this.#host = host;
    this.#log = log;
  }

  /** Opens what is new and closes what is not wanted; connections that are there go on. */
  set(doors: readonly Door[]): void {
    const wanted = new Set(doors.map(doorId));
    for (const [id, server] of this.#open) {
      if (wanted.has(id)) continue;
      server?.close();
      this.#open.delete(id);
    }
    for (const door of doors) {
      if (this.#open.has(doorId(door))) continue;
      this.#open.set(doorId(door), undefined);
      void this.#listen(door);
    }
  }

  stop(): void {
    for (const server of this.#open.values()) server?.close();
    this.#open.clear();
    for (const socket of this.#connections) socket.destroy();
  }

  async #listen(door: Door): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#relay(socket, door));
    const address = hostAddress(door.address, this.#host.loopback);
    try {
      const handle = await this.#host.network.bind(address, door.port);
      await new Promise<void>((resolve, reject) => server.once("error", reject).listen(handle, resolve));
      if (this.#open.has(doorId(door))) this.#open.set(doorId(door), server);
      else server.close();
    } catch (error) {
      const { message } = error as Error;
      this.#log("warn", "this machine cannot reach a port of the cluster", { port: doorId(door), error: message });
    }
  }

  #relay(front: Socket, { address, port }: Door): void {
    const back = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    for (const [socket, other] of [
      [front, back],
      [back, front],
    ] as const) {
      this.#connections.add(socket);
      socket.on("close", () => {
        this.#connections.delete(socket);
        // After an error the other side must not take what it has for all there is.
        if (!socket.writableFinished || !socket.readableEnded) other.resetAndDestroy();
      });
      socket.on("error", (error) => this.#log("debug", "a forwarded connection broke", { error: error.message }));
      socket.pipe(other);
    }
  }
}
