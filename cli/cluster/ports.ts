import { createServer } from "node:net";

/** Whether a listener could be opened on 127.0.0.1 now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Hands out ports, each once: the wanted one when free, else the next free one above it. */
export class PortPicker {
  readonly #given = new Set<number>();
  /** What was asked for and could not be had, for the user to read. */
  readonly moved: { readonly what: string; readonly wanted: number; readonly given: number }[] = [];

  async pick(what: string, wanted: number): Promise<number> {
    for (let port = wanted; port < 65_536; port++) {
      if (this.#given.has(port) || !(await isFree(port))) continue;
      this.#given.add(port);
      if (port !== wanted) this.moved.push({ what, wanted, given: port });
      return port;
    }
    throw new Error(`no free port at or above ${wanted}`);
  }
}
