import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Link, Traveller } from "./link.ts";
import { Pipe } from "./pipe.ts";

export interface GateOptions {
  /** The port behind it, now. */
  readonly target: () => number;
  /** Who dials, by the port it dials from; undefined: nobody that is known, or who is gone. */
  readonly dialer: (remotePort: number, gatePort: number) => Promise<string | undefined>;
  /** Both directions between a dialer and who is behind the gate: there and back. */
  readonly links: (dialer: string) => readonly [Link, Link];
  readonly random: () => number;
}

/** A port that leads to another, each connection through the links between who dials and who is dialled. */
export class Gate {
  readonly port: number;
  readonly #server: Server;
  readonly #options: GateOptions;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, options: GateOptions) {
    this.#server = server;
    this.#options = options;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket) => {
      this.#accept(socket).catch((error: Error) => socket.destroy(error));
    });
  }

  static async open(options: GateOptions): Promise<Gate> {
    // An end of one direction says nothing of the other; and nothing is read before it is known who sends it.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return new Gate(server, options);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #accept(from: Socket): Promise<void> {
    this.#keep(from);
    const dialer = await this.#options.dialer(from.remotePort ?? 0, this.port);
    if (dialer === undefined || from.destroyed) return void from.destroy();
    const [there, back] = this.#options.links(dialer);
    // A connection takes packets both ways. The kernel has accepted this one; to its owner it is one that never gets an answer.
    if (!there.isOpen || !back.isOpen) {
      (there.isOpen ? back : there).held++;
      if (!(await opened(from, [there, back]))) return;
    }
    const to = connect({ port: this.#options.target(), host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.#keep(to);
    const share = this.#options.random();
    new Pipe(from, to, there, share);
    new Pipe(to, from, back, share);
    from.resume();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    // Whatever breaks a connection shows in its `close`, which travels on through the pipe.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

/** Resolves when both links are open (true), or the connection is no more (false). */
function opened(socket: Socket, links: readonly [Link, Link]): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (open: boolean) => {
      for (const link of links) link.leave(waiting);
      resolve(open);
    };
    const waiting: Traveller = {
      weatherChanged: () => links.every(({ isOpen }) => isOpen) && settle(true),
      break: () => socket.resetAndDestroy(),
    };
    for (const link of links) {
      if (link.weather.cut === "reset") waiting.break();
      link.enter(waiting);
    }
    // A paused socket does not see its end; one that was given up is found broken when it is written to.
    socket.once("close", () => settle(false));
  });
}
