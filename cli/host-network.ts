import { Failure } from "../base/mod.ts";
import type { BindAnswer, BindRequest } from "./cluster/host-sockets.ts";

/** Sockets in the network of the supervisor that started this process, which may have another network. */
export class SupervisorNetwork {
  readonly #waiting = new Map<number, (answer: BindAnswer, socket: object | undefined) => void>();
  #lastId = 0;

  constructor() {
    process.on("message", (message: BindAnswer, socket: unknown) => {
      if (message?.kind !== "bound") return;
      this.#waiting.get(message.id)?.(message, socket as object | undefined);
      this.#waiting.delete(message.id);
    });
  }

  /** Resolves with what `net.Server.listen` takes. Throws Failure when the address cannot be had. */
  async bind(address: string, port: number, hold = false): Promise<object> {
    const where = `${address}:${port}`;
    if (!process.connected) {
      throw new Failure("NoSupervisor", `nobody to ask for ${where}`, "Only a supervisor hands sockets over");
    }
    const id = ++this.#lastId;
    const { answer, socket } = await new Promise<{ answer: BindAnswer; socket: object | undefined }>((resolve) => {
      this.#waiting.set(id, (given, handle) => resolve({ answer: given, socket: handle }));
      process.send?.({ kind: "bind", id, address, port, hold } satisfies BindRequest);
    });
    if (socket === undefined) {
      throw new Failure(
        answer.why ?? "ListenFailed",
        `cannot listen on ${where}: ${answer.why}`,
        "Choose another address",
      );
    }
    return socket;
  }
}
