import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { extname, join } from "node:path";
import type { Duplex } from "node:stream";

const socketName = "dialer.sock";

/** Connects to a port of this process's own network namespace. Rejects with the system's words. */
export async function dialHere(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/**
 * Connections into the network namespaces of pods, to what may listen on their loopback addresses only. Node cannot enter a namespace: a helper process
 * per pod does, for as long as it is used (see pod-dialer.ts).
 */
export class PodDialers {
  /** By namespace: how to reach its helper. */
  readonly #starting = new Map<string, Promise<string>>();
  readonly #children = new Set<ChildProcess>();

  /** Ends the helpers, and with them the connections. */
  close(): void {
    for (const child of this.#children) child.stdin?.destroy();
  }

  /** `namespace`: the file it is pinned at. `dir`: where the helper's socket may lie. */
  async dial(namespace: string, dir: string, port: number): Promise<Duplex> {
    for (let attempt = 0; ; attempt++) {
      const path = await this.#helper(namespace, dir);
      const socket = connect({ path, allowHalfOpen: true });
      try {
        await once(socket, "connect");
      } catch (error) {
        // It left in this very moment, unused for long enough.
        if (attempt > 0) throw error;
        this.#starting.delete(namespace);
        continue;
      }
      const number = Buffer.alloc(2);
      number.writeUInt16BE(port);
      socket.write(number);
      return await answered(socket);
    }
  }

  #helper(namespace: string, dir: string): Promise<string> {
    const known = this.#starting.get(namespace);
    if (known !== undefined) return known;
    const starting = this.#start(namespace, dir);
    this.#starting.set(namespace, starting);
    starting.catch(() => this.#starting.delete(namespace));
    return starting;
  }

  async #start(namespace: string, dir: string): Promise<string> {
    const script = join(import.meta.dirname, `pod-dialer${extname(import.meta.filename)}`);
    const argv = [
      `--net=${namespace}`,
      "--",
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      script,
      socketName,
    ];
    const child: ChildProcess = spawn("nsenter", argv, { cwd: dir, stdio: ["pipe", "pipe", "ignore"] });
    this.#children.add(child);
    child.on("exit", () => {
      this.#children.delete(child);
      this.#starting.delete(namespace);
      rmSync(join(dir, socketName), { force: true });
    });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the helper in the pod's network ended with ${code}`)));
    // By its working directory: the address of a unix socket may have 107 bytes only.
    child.stdout?.once("data", () => resolve(`/proc/${child.pid}/cwd/${socketName}`));
    return await promise;
  }
}

/** The first byte says whether the helper is connected; anything but zero begins a sentence. */
function answered(socket: Socket): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const fail = () => reject(new Error("the helper in the pod's network has gone"));
  socket.once("close", fail);
  socket.on("error", () => undefined); // "close" follows
  socket.once("readable", async () => {
    const first = socket.read(1) as Buffer | null;
    if (first === null) return;
    if (first[0] === 0) {
      socket.off("close", fail);
      resolve(socket);
      return;
    }
    let text = first.toString();
    for await (const chunk of socket) text += String(chunk);
    reject(new Error(text));
  });
  return promise;
}
