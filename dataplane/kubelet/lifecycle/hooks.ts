import { type Clock, pause } from "../../../base/mod.ts";
import type { Container, LifecycleHandler } from "../../../controlplane/api/mod.ts";
import { httpGet, urlOf } from "../probes/http-get.ts";
import type { RuntimeService } from "../runtime/cri.ts";

/** An HTTP hook that is never answered must not hold a container for ever. */
const httpTimeoutMs = 30_000;

export interface HookTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
}

/** Runs a postStart or preStop hook to its end. Rejects when it failed. */
export async function runHook(
  runtime: RuntimeService,
  clock: Clock,
  handler: LifecycleHandler,
  target: HookTarget,
): Promise<void> {
  const { exec, httpGet: get, sleep } = handler;
  if (exec !== undefined) {
    const command = exec.command ?? [];
    const { exitCode, stdout, stderr } = await runtime.execSync(target.containerId, command, 0);
    if (exitCode === 0) return;
    const output = Buffer.concat([stdout, stderr]).toString("utf8");
    throw new Error(`command '${command.join(" ")}' exited with ${exitCode}: ${output}`);
  }
  if (get !== undefined) {
    const { status } = await httpGet(urlOf(get, target.container, target.podIP), get, httpTimeoutMs);
    if (status < 200 || status >= 400) throw new Error(`HTTP lifecycle hook answered with status ${status}`);
    return;
  }
  if (sleep !== undefined) return pause(clock, sleep.seconds * 1000);
  // tcpSocket as well: the API takes it for the sake of old manifests, and no kubelet has ever run it.
  throw new Error(`invalid handler: ${JSON.stringify(handler)}`);
}
