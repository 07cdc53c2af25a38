import type { ChildProcess } from "node:child_process";
import * as net from "node:net";
import { getSystemErrorName } from "node:util";
import { assert } from "../../base/mod.ts";

/** What a component asks of the supervisor, over the IPC channel, when it needs a socket in the machine's network. */
export interface BindRequest {
  readonly kind: "bind";
  /** The answer has it too. */
  readonly id: number;
  readonly address: string;
  readonly port: number;
  /** Connections wait in the kernel while the component is started again; without, the socket goes with it. */
  readonly hold: boolean;
}

/** Comes with the socket unless `why` says that there is none. */
export interface BindAnswer {
  readonly kind: "bound";
  readonly id: number;
  readonly why?: string;
}

/** A socket without anybody who accepts: Node's own, as its `cluster` module shares them. */
interface BoundSocket {
  close(): void;
}

/**
 * Binds without accepting, which `net.Server` cannot: this process must not take connections, only keep the socket for whoever does. An
 * error is its number.
 */
function bind(address: string, port: number): BoundSocket | number {
  const internal = net as unknown as {
    _createServerHandle?: (address: string, port: number, family: 4) => BoundSocket | number;
  };
  assert(internal._createServerHandle !== undefined, "this Node binds sockets without accepting");
  return internal._createServerHandle(address, port, 4);
}

function isBindRequest(message: unknown): message is BindRequest {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "bind";
}

/** Makes sockets in this process's network for components that live in another, and keeps those that outlive them. */
export class HostSockets {
  readonly #held = new Map<string, BoundSocket>();

  /** Answers what this process asks for from now on. */
  serve(child: ChildProcess): void {
    child.on("message", (message) => {
      if (isBindRequest(message)) this.#answer(child, message);
    });
  }

  close(): void {
    for (const socket of this.#held.values()) socket.close();
    this.#held.clear();
  }

  #answer(child: ChildProcess, { id, address, port, hold }: BindRequest): void {
    const key = `${address}:${port}`;
    const socket = this.#held.get(key) ?? bind(address, port);
    if (typeof socket === "number") {
      this.#send(child, { kind: "bound", id, why: getSystemErrorName(socket) });
      return;
    }
    if (hold) this.#held.set(key, socket);
    this.#send(child, { kind: "bound", id }, socket, () => {
      if (!hold) socket.close();
    });
  }

  #send(child: ChildProcess, answer: BindAnswer, socket?: BoundSocket, sent: () => void = () => undefined): void {
    // One that has ended meanwhile needs no answer; its successor will ask.
    if (child.connected) child.send(answer, socket as net.Server | undefined, {}, sent);
    else sent();
  }
}
