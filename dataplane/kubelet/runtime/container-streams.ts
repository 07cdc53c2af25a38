import type { Duplex } from "node:stream";
import type { StandardStreams } from "../../../streaming/mod.ts";
import type { AttachRequest, ExecRequest } from "./cri.ts";

/**
 * Sessions with containers as streams of this process. Whoever implements it reads and writes no faster than the other side does, and leaves
 * neither processes nor sockets behind when the signal fires. Failures are CriErrors.
 */
export interface ContainerStreams {
  /** Runs a command in a container; resolves with its exit code when it has ended and its output is written. */
  exec(request: ExecRequest, streams: StandardStreams): Promise<number>;
  /** Joins the container's own streams; resolves when the container has ended, or standard input has where that ends the session. */
  attach(request: AttachRequest, streams: StandardStreams): Promise<void>;
  /** Connects to a port on the pod's loopback address. Half-closed when the other side ends. */
  portForward(podSandboxId: string, port: number): Promise<Duplex>;
}
