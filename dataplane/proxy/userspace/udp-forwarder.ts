import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Allowed } from "./allowed.ts";
import type { Chooser } from "./chooser.ts";

/** As long as the kernel remembers an unanswered UDP flow, twice. */
const idleMs = 60_000;

interface Flow {
  readonly socket: Socket;
  readonly backend: string;
  readonly idle: NodeJS.Timeout;
  /** Datagrams that came before the socket was connected; undefined from then on. */
  early: Buffer[] | undefined;
}

/** Forwards datagrams; a client keeps its backend until it has been silent for a minute or the backend is gone. */
export class UdpForwarder {
  readonly #socket: Socket;
  readonly #allowed: Allowed;
  readonly #chooser: Chooser;
  readonly #flows = new Map<string, Flow>();

  constructor(chooser: Chooser, allowed: Allowed) {
    this.#chooser = chooser;
    this.#allowed = allowed;
    this.#socket = createSocket({ type: "udp4", reusePort: true });
    this.#socket.on("message", (message, from) => this.#forward(message, from));
    this.#socket.on("error", () => this.close());
  }

  async listen(host: string, port: number): Promise<void> {
    this.#socket.bind({ address: host, port, exclusive: true });
    await once(this.#socket, "listening");
  }

  close(): void {
    for (const [client, flow] of this.#flows) this.#end(client, flow);
    try {
      this.#socket.close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SOCKET_DGRAM_NOT_RUNNING") throw error;
    }
  }

  /** Flows to backends that left begin anew with the next datagram. */
  keepOnly(backends: ReadonlySet<string>): void {
    for (const [client, flow] of this.#flows) if (!backends.has(flow.backend)) this.#end(client, flow);
  }

  #forward(message: Buffer, from: RemoteInfo): void {
    if (!this.#allowed.has(from.address)) return;
    const client = `${from.address}:${from.port}`;
    const flow = this.#flows.get(client) ?? this.#begin(client, from);
    if (flow === undefined) return;
    flow.idle.refresh();
    if (flow.early === undefined) flow.socket.send(message);
    else flow.early.push(message);
  }

  #begin(client: string, from: RemoteInfo): Flow | undefined {
    const backend = this.#chooser.choose(from.address, performance.now());
    if (backend === undefined) return undefined;
    const socket = createSocket("udp4");
    const flow: Flow = {
      socket,
      backend: `${backend.address}:${backend.port}`,
      idle: setTimeout(() => this.#end(client, flow), idleMs),
      early: [],
    };
    this.#flows.set(client, flow);
    socket.connect(backend.port, backend.address, () => {
      for (const message of flow.early ?? []) socket.send(message);
      flow.early = undefined;
    });
    socket.on("message", (answer) => {
      flow.idle.refresh();
      this.#socket.send(answer, from.port, from.address);
    });
    // Nobody listens there: the client sees silence, as from a lost datagram, and the next one may go elsewhere.
    socket.on("error", () => this.#end(client, flow));
    return flow;
  }

  #end(client: string, flow: Flow): void {
    clearTimeout(flow.idle);
    if (this.#flows.get(client) !== flow) return;
    this.#flows.delete(client);
    flow.socket.close();
  }
}
