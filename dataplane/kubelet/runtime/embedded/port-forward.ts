import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { extname, join } from "node:path";
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../../../../base/mod.ts";
import type { DialAnswer, DialRequest } from "./pod-dialer.ts";

/** A helper that nobody has used for so long leaves. */
const idleMs = 5_000;

/** Connects to a port of this process's own network namespace. Rejects with the system's words. */
export async function dialHere(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/**
 * Connections into the network namespaces of pods, to what may listen on their loopback addresses only. Node cannot enter a namespace: a helper process
 * per pod does (pod-dialer.ts). It hands each connection over, so that connections neither pass through it nor need it any longer.
 */
export class PodDialers {
  readonly #clock: Clock;
  readonly #helpers = new Map<string, Helper>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the helpers. */
  close(): void {
    for (const helper of this.#helpers.values()) helper.leave();
  }

  /** `namespace`: the file it is pinned at. Rejects with the system's words. */
  dial(namespace: string, port: number): Promise<Duplex> {
    const known = this.#helpers.get(namespace);
    const helper = known ?? new Helper(namespace, this.#clock, () => this.#forget(namespace, helper));
    if (known === undefined) this.#helpers.set(namespace, helper);
    return helper.dial(port);
  }

  #forget(namespace: string, helper: Helper): void {
    if (this.#helpers.get(namespace) === helper) this.#helpers.delete(namespace);
  }
}

class Helper {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  /** It takes no more requests. */
  readonly #onLeave: () => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<Duplex>>();
  #requests = 0;
  #idle: Timer | undefined;

  constructor(namespace: string, clock: Clock, onLeave: () => void) {
    this.#clock = clock;
    this.#onLeave = onLeave;
    const script = join(import.meta.dirname, `pod-dialer${extname(import.meta.filename)}`);
    const argv = [`--net=${namespace}`, "--", process.execPath, "--disable-warning=ExperimentalWarning", script];
    this.#child = spawn("nsenter", argv, { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    this.#child.on("message", (answer, socket) => this.#settle(answer as DialAnswer, socket));
    this.#child.on("error", (error) => this.#fail(error));
    this.#child.on("exit", (code) => this.#fail(new Error(`the helper in the pod's network ended with ${code}`)));
  }

  dial(port: number): Promise<Duplex> {
    this.#idle?.cancel();
    const request: DialRequest = { id: this.#requests++, port };
    const answer = Promise.withResolvers<Duplex>();
    this.#waiting.set(request.id, answer);
    this.#child.send(request, () => undefined); // where it cannot hear it has ended, which "exit" tells
    return answer.promise;
  }

  /** Without the channel to its parent nothing keeps it. */
  leave(): void {
    this.#onLeave();
    if (this.#child.connected) this.#child.disconnect();
  }

  #settle({ id, error }: DialAnswer, socket: unknown): void {
    const answer = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (socket instanceof Socket) {
      socket.allowHalfOpen = true;
      answer?.resolve(socket);
    } else answer?.reject(new Error(error ?? "the connection ended before it was handed over"));
    if (this.#waiting.size === 0) this.#idle = this.#clock.after(idleMs, () => this.leave());
  }

  #fail(error: Error): void {
    this.#onLeave();
    this.#idle?.cancel();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
