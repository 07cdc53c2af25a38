import { createServer, type ListenOptions, type Server } from "node:net";

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
 * Keeps other programs of ours that choose ports at this moment from choosing this one, until this process ends: an address of unix(7)'s abstract
 * name space, which belongs to one process and, as ports do, to one network namespace.
 */
async function claim(port: number): Promise<boolean> {
  const server = await tryListen({ path: `\0flotilla-port-${port}`, exclusive: true });
  server?.unref();
  return server !== undefined;
}

/** Hands out ports, each once: the wanted one when free, else the next free one above it. */
export class PortPicker {
  /** What was asked for and could not be had, for the user to read. */
  readonly moved: { readonly what: string; readonly wanted: number; readonly given: number }[] = [];

  async pick(what: string, wanted: number): Promise<number> {
    for (let port = wanted; port < 65_536; port++) {
      if (!(await claim(port)) || !(await isFree(port))) continue;
      if (port !== wanted) this.moved.push({ what, wanted, given: port });
      return port;
    }
    throw new Error(`no free port at or above ${wanted}`);
  }
}
