import { sleep } from "../../client/mod.ts";
import { type ControllerContext, runController } from "../common/controller.ts";
import { CsiAttacher } from "./attacher.ts";
import { CsiSocket, type DriverInfo, describeDriver } from "./driver.ts";
import { CsiProvisioner } from "./provisioner.ts";
import { CsiResizer } from "./resizer.ts";

/** A driver and the socket of its controller service. */
export interface CsiEndpoint {
  readonly name: string;
  /** `unix:///path`. */
  readonly endpoint: string;
}

const retryMs = 2000;

/**
 * What the original leaves to programs beside each driver: provisioning, attaching and resizing by its controller service. Begins when
 * the driver answers; resolves after the signal aborts.
 */
export async function runCsiDriver(
  context: ControllerContext,
  { name, endpoint }: CsiEndpoint,
  signal: AbortSignal,
): Promise<void> {
  const driver = new CsiSocket(endpoint);
  try {
    const info = await introduced(context, driver, { name, endpoint }, signal);
    if (info === undefined) return;
    const controllers = [
      new CsiProvisioner(context, driver, info),
      new CsiAttacher(context, driver, info),
      new CsiResizer(context, driver, info),
    ];
    context.informers.start(signal);
    context.log("info", "CSI driver in use", { ...info });
    await Promise.all(controllers.map((controller) => runController(controller, signal)));
  } finally {
    await driver.close();
  }
}

/** Undefined when it is time to stop before the driver has answered. */
async function introduced(
  { clock, log }: ControllerContext,
  driver: CsiSocket,
  { name, endpoint }: CsiEndpoint,
  signal: AbortSignal,
): Promise<DriverInfo | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const info = await describeDriver(driver);
      if (info.name === name) return info;
      throw new Error(`it calls itself ${info.name}`);
    } catch (error) {
      // A driver in a pod needs this cluster to work before it can answer.
      const level = attempt < 5 ? "debug" : "warn";
      log(level, "a CSI driver cannot be used yet", { name, endpoint, error: (error as Error).message });
    }
    try {
      await sleep(clock, retryMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return undefined;
}
