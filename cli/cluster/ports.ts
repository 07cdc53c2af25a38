import { readFileSync } from "node:fs";
import { createServer, type ListenOptions, type Server } from "node:net";
import { isKept } from "./kept-ports.ts";

/** Undefined when somebody else listens there. */
function tryListen(where: ListenOptions): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(where, () => resolve(server));
  });
}

/** Whether a listener could be opened on 127.0.0.1 now. */
export async function isFree(port: number): Promise<boolean> {
  const server = await tryListen({ port, host: "127.0.0.1", exclusive: true });
  if (server === undefined) return false;
  await new Promise((closed) => server.close(closed));
  return true;
}

/**
 * Keeps other programs of ours that choose at this moment from choosing the same, until this process ends: an address of unix(7)'s abstract
 * name space, which belongs to one process and, as ports do, to one network namespace.
 */
async function claim(what: string): Promise<boolean> {
  const server = await tryListen({ path: `\0flotilla-${what}`, exclusive: true });
  server?.unref();
  return server !== undefined;
}

/** Hands out ports, each once: the wanted one when free, else the next free one above it. */
export class PortPicker {
  /** What was asked for and could not be had, for the user to read. */
  readonly moved: { readonly what: string; readonly wanted: number; readonly given: number }[] = [];

  async pick(what: string, wanted: number): Promise<number> {
    for (let port = wanted; port < 65_536; port++) {
      if (isKept(port) || !(await claim(`port-${port}`)) || !(await isFree(port))) continue;
      if (port !== wanted) this.moved.push({ what, wanted, given: port });
      return port;
    }
    throw new Error(`no free port at or above ${wanted}`);
  }
}

/** Second bytes of the loopback networks that somebody listens on: addresses are listed in hexadecimal, last byte first; 0A is LISTEN. */
function usedLoopbacks(): Set<number> {
  const listening = readFileSync("/proc/net/tcp", "utf8").matchAll(/: [0-9A-F]{4}([0-9A-F]{2})7F:[0-9A-F]{4} \S+ 0A/g);
  return new Set([...listening].map(([, second]) => Number.parseInt(second as string, 16)));
}

/** The beginning of a loopback network of this machine that no other cluster has: 127.30, or one of the next. */
export async function pickLoopback(): Promise<string> {
  const used = usedLoopbacks();
  // From 127.64 on there may be Services of clusters whose nodes are plain processes.
  for (let second = 30; second < 64; second++) {
    if (!used.has(second) && (await claim(`loopback-${second}`))) return `127.${second}`;
  }
  throw new Error("no free loopback network between 127.30 and 127.63");
}
