import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../../base/mod.ts";
import { refuseUpgrade, type UpgradeRequest } from "../../../../streaming/mod.ts";
import type { ContainerStreams } from "../container-streams.ts";
import type { AttachRequest, ExecRequest } from "../cri.ts";
import { serveAttach, serveExec, servePorts } from "../serve-session.ts";

/** Who asked for a URL uses it at once, and once. */
const urlLivesMs = 60_000;

type Serve = (upgrade: UpgradeRequest) => Promise<void>;

/**
 * The streams of an engine that is served on a socket: at URLs on the loopback address, each with a secret of its own. Listens from the first URL
 * on.
 */
export class StreamServer {
  readonly #containers: ContainerStreams;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Serve>();
  #server: Promise<Server> | undefined;

  constructor(containers: ContainerStreams, clock: Clock) {
    this.#containers = containers;
    this.#clock = clock;
  }

  exec(request: ExecRequest): Promise<{ url: string }> {
    return this.#offer((upgrade) => serveExec(upgrade, request, this.#containers, this.#clock));
  }

  attach(request: AttachRequest): Promise<{ url: string }> {
    return this.#offer((upgrade) => serveAttach(upgrade, request, this.#containers, this.#clock));
  }

  portForward(podSandboxId: string): Promise<{ url: string }> {
    const pod = { name: podSandboxId, uid: "" };
    return this.#offer((upgrade) => servePorts(upgrade, podSandboxId, pod, this.#containers, this.#clock));
  }

  async stop(): Promise<void> {
    const server = await this.#server;
    server?.closeAllConnections();
    server?.close();
  }

  async #offer(serve: Serve): Promise<{ url: string }> {
    this.#server ??= this.#listen();
    const { port } = (await this.#server).address() as AddressInfo;
    const token = randomBytes(16).toString("base64url");
    this.#waiting.set(token, serve);
    this.#clock.after(urlLivesMs, () => this.#waiting.delete(token));
    return { url: `http://127.0.0.1:${port}/${token}` };
  }

  #listen(): Promise<Server> {
    const { promise, resolve, reject } = Promise.withResolvers<Server>();
    const server = createServer((_request, response) => response.writeHead(404).end("404 page not found"));
    server.on("upgrade", (request, socket, head) => {
      const upgrade = { request, socket, head };
      const token = (request.url ?? "").slice(1).split("?")[0] as string;
      const serve = this.#waiting.get(token);
      this.#waiting.delete(token);
      socket.on("error", () => socket.destroy());
      if (serve === undefined) refuseUpgrade(upgrade, 404, "404 page not found");
      else serve(upgrade).catch(() => socket.destroy());
    });
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
    // An engine that has nothing else to do may end.
    server.unref();
    return promise;
  }
}
