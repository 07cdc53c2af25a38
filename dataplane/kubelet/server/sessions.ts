import type { IncomingMessage, ServerResponse } from "node:http";
import { BlockList, connect, isIP } from "node:net";
import type { Clock, Log } from "../../../base/mod.ts";
import type { Pod } from "../../../controlplane/api/mod.ts";
import { join, refuseUpgrade, tune, type UpgradeRequest, upgradeOf } from "../../../streaming/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import { findContainer, readRuntimePod } from "../pod/runtime-pod.ts";
import type { ContainerStreams } from "../runtime/container-streams.ts";
import type { RuntimeService } from "../runtime/cri.ts";
import { serveAttach, serveExec, servePorts, wantedStreams } from "../runtime/serve-session.ts";
import { Refusal } from "./refusal.ts";

export interface SessionsOptions {
  readonly runtime: RuntimeService;
  readonly containers: ContainerStreams;
  readonly pods: () => readonly Pod[];
  /** Ranges of addresses that `/flotilla/dial` may connect to, besides those of this node's pods. */
  readonly reachable: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** What a request asks for, from its path: /exec/NAMESPACE/POD[/UID]/CONTAINER and its like. */
interface Target {
  readonly pod: Pod;
  readonly container: string | undefined;
}

/**
 * Sessions with containers, for the API server: exec, attach, portForward on connections that leave HTTP, run without one; and `/flotilla/dial`, which
 * connects to an address the node reaches and the API server, in another network namespace, does not.
 */
export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async serve(upgrade: UpgradeRequest): Promise<void> {
    const { socket, request } = upgrade;
    socket.on("error", () => socket.destroy());
    try {
      await this.#serve(upgrade);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 500;
      if (status === 500)
        this.#options.log("warn", "a session failed", { path: pathOf(request), error: String(error) });
      refuseUpgrade(upgrade, status, (error as Error).message);
    }
  }

  async #serve(upgrade: UpgradeRequest): Promise<void> {
    const url = new URL(upgrade.request.url ?? "/", "https://kubelet.invalid");
    const [verb, ...rest] = url.pathname.split("/").slice(1).map(decodeURIComponent);
    const { containers, clock } = this.#options;
    if (verb === "flotilla" && rest[0] === "dial") return this.#dial(upgrade, url.searchParams.get("address") ?? "");
    if (upgradeOf(upgrade.request) === undefined)
      throw new Refusal(400, `unknown protocol ${upgrade.request.headers.upgrade}`);
    switch (verb) {
      case "exec": {
        const containerId = await this.#container(rest);
        const request = { containerId, ...streamsOf(url), cmd: url.searchParams.getAll("command") };
        if (request.cmd.length === 0) throw new Refusal(400, "you must specify at least 1 command");
        return await serveExec(upgrade, request, containers, clock);
      }
      case "attach": {
        const containerId = await this.#container(rest);
        return await serveAttach(upgrade, { containerId, ...streamsOf(url) }, containers, clock);
      }
      case "portForward": {
        const { pod } = this.#target(rest, false);
        const ref = refOf(pod);
        const sandbox = (await readRuntimePod(this.#options.runtime, ref)).sandboxes.find(
          ({ state }) => state === "SANDBOX_READY",
        );
        if (sandbox === undefined)
          throw new Refusal(404, `not able to find pod sandbox of ${ref.name}_${ref.namespace}`);
        return await servePorts(upgrade, sandbox.id, ref, containers, clock);
      }
      default:
        throw new Refusal(404, "404 page not found");
    }
  }

  /** POST /run/…?cmd=…: the command's output as text. What it says of itself beyond that, nobody hears. */
  async run(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://kubelet.invalid");
    const [, ...rest] = url.pathname.split("/").slice(1).map(decodeURIComponent);
    try {
      if (request.method !== "POST") throw new Refusal(405, "405: Method Not Allowed");
      const command = (url.searchParams.get("cmd") ?? "").split(" ");
      const { stdout, stderr, exitCode } = await this.#options.runtime.execSync(
        await this.#container(rest),
        command,
        0,
      );
      if (exitCode !== 0)
        throw new Refusal(500, `command '${command.join(" ")}' exited with ${exitCode}: ${Buffer.from(stderr)}`);
      response.writeHead(200, { "content-type": "text/plain" }).end(Buffer.concat([stdout, stderr]));
    } catch (error) {
      response.writeHead(error instanceof Refusal ? error.status : 500, { "content-type": "text/plain" });
      response.end((error as Error).message);
    }
  }

  #target(parts: readonly string[], hasContainer: boolean): Target {
    const [namespace = "", name = "", ...more] = parts;
    const container = hasContainer ? more.at(-1) : undefined;
    const uid = hasContainer ? (more.length > 1 ? more[0] : undefined) : more[0];
    const pod = this.#options.pods().find((one) => {
      const ref = refOf(one);
      return ref.namespace === namespace && ref.name === name && (uid === undefined || ref.uid === uid);
    });
    if (pod === undefined) throw new Refusal(404, `pod ${JSON.stringify(`${name}_${namespace}`)} does not exist`);
    return { pod, container };
  }

  async #container(parts: readonly string[]): Promise<string> {
    const { pod, container = "" } = this.#target(parts, true);
    const found = findContainer(await readRuntimePod(this.#options.runtime, refOf(pod)), container);
    if (found === undefined) throw new Refusal(404, `container not found (${JSON.stringify(container)})`);
    if (found.state !== "running")
      throw new Refusal(500, `container is in CONTAINER_${found.state.toUpperCase()} state`);
    return found.id;
  }

  async #dial(upgrade: UpgradeRequest, address: string): Promise<void> {
    const [, ip = "", port = ""] = /^\[?([^\]]+)\]?:(\d+)$/.exec(address) ?? [];
    if (isIP(ip) === 0 || Number(port) < 1 || Number(port) > 65_535)
      throw new Refusal(400, `${JSON.stringify(address)} is no address`);
    if (!this.#mayDial(ip)) throw new Refusal(403, `${ip} is no address of the cluster's pods and Services`);
    const target = connect({ host: ip, port: Number(port), allowHalfOpen: true });
    const late = this.#options.clock.after(dialWithinMs, () => target.destroy(new Error("i/o timeout")));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    target.once("connect", resolve);
    target.once("error", (error) => reject(new Refusal(502, `dial tcp ${address}: ${error.message}`)));
    await promise.finally(() => late.cancel());
    target.on("error", () => target.destroy());
    upgrade.socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    if (upgrade.head.length > 0) upgrade.socket.unshift(upgrade.head);
    for (const socket of [upgrade.socket, target]) tune(socket);
    await join(upgrade.socket, target);
  }

  #mayDial(ip: string): boolean {
    const own = this.#options
      .pods()
      .flatMap(({ status }) => [status?.podIP, ...(status?.podIPs ?? []).map((one) => one.ip)]);
    if (own.includes(ip)) return true;
    const ranges = new BlockList();
    for (const range of this.#options.reachable()) {
      const [network = "", bits = ""] = range.split("/");
      if (isIP(network) === 4) ranges.addSubnet(network, Number(bits));
      else if (isIP(network) === 6) ranges.addSubnet(network, Number(bits), "ipv6");
    }
    return ranges.check(ip, isIP(ip) === 6 ? "ipv6" : "ipv4");
  }
}

const dialWithinMs = 10_000;

function streamsOf(url: URL) {
  const wanted = wantedStreams(url.searchParams);
  if (wanted instanceof Error) throw new Refusal(400, wanted.message);
  return wanted;
}

function pathOf({ url }: IncomingMessage): string {
  return (url ?? "/").split("?", 1)[0] as string;
}
