import { connect } from "node:net";
import type { Container, Probe } from "../../../controlplane/api/mod.ts";
import { expand } from "../env/expand.ts";
import { CriError, type RuntimeService } from "../runtime/cri.ts";
import { grpcHealth } from "./grpc-health.ts";
import { dialError, httpGet, resolvePort, urlOf } from "./http-get.ts";

/** What one attempt says. `error`: it could not be made; the container is not to blame. */
export type ProbeOutcome =
  | { readonly result: "success" | "failure"; readonly output: string }
  | { readonly result: "error"; readonly output: string };

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
}

/** Attempts a probe once. */
export type Prober = (probe: Probe, target: ProbeTarget) => Promise<ProbeOutcome>;

const maxOutput = 10 * 1024;

/** Probes through the runtime and the network this process is in. */
export function createProber(runtime: RuntimeService): Prober {
  return async (probe, target) => {
    const timeoutSeconds = probe.timeoutSeconds ?? 1;
    try {
      if (probe.exec !== undefined) return await execProbe(runtime, probe.exec.command ?? [], target, timeoutSeconds);
      if (probe.httpGet !== undefined) {
        const url = urlOf(probe.httpGet, target.container, target.podIP);
        return await httpProbe(() =>
          httpGet(url, probe.httpGet as NonNullable<Probe["httpGet"]>, timeoutSeconds * 1000),
        );
      }
      if (probe.tcpSocket !== undefined) {
        const { host = "", port } = probe.tcpSocket;
        return await tcpProbe(
          host === "" ? target.podIP : host,
          resolvePort(port, target.container),
          timeoutSeconds * 1000,
        );
      }
      if (probe.grpc !== undefined) {
        const { port, service = "" } = probe.grpc;
        return await grpcHealth(target.podIP, port, service, timeoutSeconds * 1000);
      }
      return { result: "error", output: "missing probe handler" };
    } catch (error) {
      return { result: "error", output: (error as Error).message };
    }
  };
}

async function execProbe(
  runtime: RuntimeService,
  command: readonly string[],
  target: ProbeTarget,
  timeoutSeconds: number,
): Promise<ProbeOutcome> {
  const variables = new Map((target.container.env ?? []).map(({ name, value = "" }) => [name, value]));
  const argv = command.map((word) => expand(word, (name) => variables.get(name)));
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(target.containerId, argv, timeoutSeconds);
    const output = Buffer.concat([stdout, stderr]).toString("utf8").slice(0, maxOutput);
    return { result: exitCode === 0 ? "success" : "failure", output };
  } catch (error) {
    if (error instanceof CriError && error.code === "DeadlineExceeded") {
      return { result: "failure", output: `command timed out: "${argv.join(" ")}" timed out after ${timeoutSeconds}s` };
    }
    throw error;
  }
}

async function httpProbe(get: () => Promise<{ status: number; body: string }>): Promise<ProbeOutcome> {
  try {
    const { status, body } = await get();
    if (status >= 200 && status < 400) return { result: "success", output: body };
    return { result: "failure", output: `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    return { result: "failure", output: (error as Error).message };
  }
}

function tcpProbe(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
  const socket = connect({ host, port, timeout: timeoutMs });
  const finish = (outcome: ProbeOutcome) => {
    socket.destroy();
    resolve(outcome);
  };
  socket.on("connect", () => finish({ result: "success", output: "" }));
  socket.on("timeout", () => finish({ result: "failure", output: `dial tcp ${host}:${port}: i/o timeout` }));
  socket.on("error", (error) => finish({ result: "failure", output: dialError(error, host, port) }));
  return promise;
}
