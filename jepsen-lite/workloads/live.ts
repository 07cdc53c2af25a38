import { pause } from "../../base/mod.ts";
import type { Workload, WorkloadClient } from "./workload.ts";

/** Lets the client do one thing after the other until `isOver`. */
export async function live(
  workload: Workload,
  client: WorkloadClient,
  thinkMeanUs: number,
  isOver: () => boolean,
): Promise<void> {
  for (;;) {
    await pause(client.clock, client.chance.exponential(thinkMeanUs) / 1000);
    if (isOver()) return;
    await workload.step(client);
  }
}
