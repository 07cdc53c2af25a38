import { connect, createServer, type Server, type Socket } from "node:net";

/** What becomes of the bytes that arrive. */
export type Weather =
  | { readonly kind: "fair" }
  /** Of each piece, with this probability, some bytes in the middle are left out: whatever is inside, it is broken. */
  | { readonly kind: "dropping"; readonly probability: number }
  /** Nothing gets through, and nobody is told. */
  | { readonly kind: "blackhole" }
  | { readonly kind: "slow"; readonly ms: number };

/** A TCP port that leads to another, through weather, in both directions. */
export class Forwarder {
  weather: Weather = { kind: "fair" };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections that were opened through it, ever. */
  connections = 0;

  private constructor(target: number) {
    this.#server = createServer((from) => {
      this.connections++;
      const to = connect(target, "127.0.0.1");
      this.#join(from, to);
      this.#join(to, from);
    });
  }

  static async open(port: number, target: number): Promise<Forwarder> {
    const forwarder = new Forwarder(target);
    await new Promise<void>((resolve, reject) => {
      forwarder.#server.once("error", reject);
      forwarder.#server.listen(port, "127.0.0.1", resolve);
    });
    return forwarder;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on("data", (bytes: Buffer) => this.#carry(bytes, to));
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  #carry(bytes: Buffer, to: Socket): void {
    const { weather } = this;
    if (weather.kind === "blackhole") return;
    if (weather.kind === "slow") {
      setTimeout(() => to.writable && to.write(bytes), weather.ms);
      return;
    }
    if (weather.kind === "dropping" && bytes.length > 8 && Math.random() < weather.probability) {
      const at = Math.floor(bytes.length / 2);
      to.write(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 3)]));
      return;
    }
    to.write(bytes);
  }
}
