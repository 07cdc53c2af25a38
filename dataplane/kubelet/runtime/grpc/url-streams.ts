import type { Duplex } from "node:stream";
import { dialPortForward, runRemoteCommand, type StandardStreams } from "../../../../streaming/mod.ts";
import type { ContainerStreams } from "../container-streams.ts";
import { type AttachRequest, CriError, type ExecRequest, type RuntimeService } from "../cri.ts";

/** Sessions at the URLs that an engine behind a socket gives for them. They are this node's: the kubelet stands between engine and client. */
export class UrlStreams implements ContainerStreams {
  readonly #runtime: RuntimeService;

  constructor(runtime: RuntimeService) {
    this.#runtime = runtime;
  }

  async exec(request: ExecRequest, streams: StandardStreams): Promise<number> {
    const { url } = await this.#runtime.exec(request);
    const result = await runRemoteCommand(url, request, streams);
    if (result.kind === "exited") return result.code;
    throw new CriError("Unknown", result.message);
  }

  async attach(request: AttachRequest, streams: StandardStreams): Promise<void> {
    const { url } = await this.#runtime.attach(request);
    const result = await runRemoteCommand(url, request, streams);
    if (result.kind === "failed") throw new CriError("Unknown", result.message);
  }

  async portForward(podSandboxId: string, port: number): Promise<Duplex> {
    const { url } = await this.#runtime.portForward(podSandboxId, [port]);
    return await dialPortForward(url, port);
  }
}
