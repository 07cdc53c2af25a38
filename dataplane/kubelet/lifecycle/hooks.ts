import { setTimeout as delay } from "node:timers/promises";
import type { Container, LifecycleHandler } from "../../../controlplane/api/mod.ts";
import { httpGet, urlOf } from "../probes/http-get.ts";
import type { RuntimeService } from "../runtime/cri.ts";

/** An HTTP hook that is never answered must not hold a container for ever. */
const httpTimeoutMs = 30_000;

/** Runs a postStart or preStop hook to its end. Rejects when it failed. */
export async function runHook(
  runtime: RuntimeService,
  handler: LifecycleHandler,
  target: { readonly container: Container; readonly containerId: string; readonly podIP: string },
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
  if (sleep !== undefined) {
    await delay(sleep.seconds * 1000);
    return;
  }
  throw new Error("the lifecycle hook has no handler that this kubelet supports");
}
