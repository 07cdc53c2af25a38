import type { Clock } from "../../../base/mod.ts";
import {
  acceptRemoteCommand,
  type CommandResult,
  servePortForward,
  type UpgradeRequest,
} from "../../../streaming/mod.ts";
import type { ContainerStreams } from "./container-streams.ts";
import type { AttachRequest, ExecRequest } from "./cri.ts";

/** Serves a session of `exec` on a connection that leaves HTTP, until it is over. */
export function serveExec(
  upgrade: UpgradeRequest,
  request: ExecRequest,
  containers: ContainerStreams,
  clock: Clock,
): Promise<void> {
  return serve(upgrade, request, clock, async (streams): Promise<CommandResult> => {
    try {
      const code = await containers.exec(request, streams);
      const message = `error executing command [${request.cmd.join(" ")}], exit code ${code}`;
      return { kind: "exited", code, message };
    } catch (error) {
      return { kind: "failed", message: `error executing command in container: ${(error as Error).message}` };
    }
  });
}

/** The same for `attach`. */
export function serveAttach(
  upgrade: UpgradeRequest,
  request: AttachRequest,
  containers: ContainerStreams,
  clock: Clock,
): Promise<void> {
  return serve(upgrade, request, clock, async (streams): Promise<CommandResult> => {
    try {
      await containers.attach(request, streams);
      return { kind: "exited", code: 0, message: "" };
    } catch (error) {
      return { kind: "failed", message: `error attaching to container: ${(error as Error).message}` };
    }
  });
}

async function serve(
  upgrade: UpgradeRequest,
  request: AttachRequest,
  clock: Clock,
  run: (streams: Parameters<ContainerStreams["exec"]>[1]) => Promise<CommandResult>,
): Promise<void> {
  const session = await acceptRemoteCommand(upgrade, request, clock);
  if (session === undefined) return;
  await session.finish(await run(session.streams));
}

/** The same for `portforward`. `pod`: how a client knows it. */
export function servePorts(
  upgrade: UpgradeRequest,
  podSandboxId: string,
  pod: { readonly name: string; readonly uid: string },
  containers: ContainerStreams,
  clock: Clock,
): Promise<void> {
  return servePortForward(upgrade, {
    clock,
    dial: (port) => containers.portForward(podSandboxId, port),
    describe: (port, error) => `error forwarding port ${port} to pod ${pod.name}, uid ${pod.uid}: ${error.message}`,
  });
}

/** Which streams a request asks for, or why it cannot be served (as kubelets name them: input, output, error, tty). */
export function wantedStreams(query: URLSearchParams): Omit<AttachRequest, "containerId"> | Error {
  const on = (name: string) => ["1", "true"].includes(query.get(name) ?? "");
  const tty = on("tty");
  // With a terminal there is no stderr of its own.
  const wanted = { tty, stdin: on("input"), stdout: on("output"), stderr: on("error") && !tty };
  if (wanted.stdin || wanted.stdout || wanted.stderr) return wanted;
  return new Error("you must specify at least 1 of stdin, stdout, stderr");
}
