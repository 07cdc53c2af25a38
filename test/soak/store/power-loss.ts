import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../../base/mod.ts";
import { LoopDisk } from "../../../jepsen-lite/processes/mod.ts";
import { Compactions } from "./compaction.ts";
import { History } from "./history.ts";
import { Load } from "./load.ts";
import { Members } from "./members.ts";
import { compare } from "./verdict.ts";

export interface PowerLossOptions {
  readonly cycles: number;
  readonly size?: number;
  readonly seed: number;
  readonly args?: readonly string[];
  /** Ends it after the cycle under way. */
  readonly signal?: AbortSignal;
  say(line: string): void;
}

export interface PowerLossReport {
  readonly cycles: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly violations: readonly string[];
}

const flags = ["--snapshot-count", "300", "--snapshot-catchup-entries", "50", "--heartbeat-interval", "50"];
const timing = ["--election-timeout", "500"];

/**
 * Every member has a disk of its own. Under load all of them, or now and then one, lose their power: what was not synced is gone. Then they start again, and what is is
 * compared with what was promised. Stops at a violation.
 */
export async function powerLoss(options: PowerLossOptions): Promise<PowerLossReport> {
  const { size = 3, seed, args = [], say } = options;
  const members = await Members.prepare({ name: "power", size, args: [...flags, ...timing, ...args] });
  const disks: LoopDisk[] = [];
  const random = seededRandom(seed);
  const history = new History(1);
  const compactions = new Compactions(history);
  const violations: string[] = [];
  let load: Load | undefined;
  let cycles = 0;
  try {
    for (let at = 0; at < size; at++) disks.push(new LoopDisk(members.dataDir(at), `${members.dataDir(at)}.img`));
    await members.start();
    load = new Load({ history, endpoints: members.endpoints, seed: seed + 1 });
    while (cycles < options.cycles && violations.length === 0 && !options.signal?.aborted) {
      await load.acknowledged(1 + random.below(600));
      const hit = random.below(4) === 0 ? [random.below(size)] : members.all.map((_, at) => at);
      const struck = hit.map((at) => members.all[at]!);
      // The process that outlives its disk for a moment meets only errors, and acknowledges nothing.
      const diskFirst = random.below(2) === 0;
      if (diskFirst) {
        LoopDisk.cutPower(hit.map((at) => disks[at]!));
        await delay(random.below(60));
      }
      await Promise.all(struck.map(({ member }) => member.end()));
      if (!diskFirst) LoopDisk.cutPower(hit.map((at) => disks[at]!));
      for (const at of hit) {
        disks[at]!.unmount();
        disks[at]!.mount();
      }
      await Promise.all(struck.map((placed) => placed.start()));
      await load.pause();
      violations.push(...(await compare(history, members.endpoints, undefined, random)));
      cycles++;
      say(
        `${cycles}/${options.cycles}  power of ${hit.length} of ${size} ${diskFirst ? "disks, then processes" : "processes, then disks"}; ` +
          `revision ${history.checkedRevision}`,
      );
      if (random.below(4) === 0) await compactions.next(members.endpoints[random.below(size)]!);
      load.resume();
    }
  } catch (error) {
    // One that cannot start on what is left of its disk has lost what it promised to keep.
    violations.push((error as Error).message);
  } finally {
    await load?.stop();
    await Promise.all(members.all.map(({ member }) => member.end()));
    for (const disk of disks) disk.remove();
    await members.remove();
  }
  const { acknowledged, unknown } = history;
  return { cycles, acknowledged, unknown, violations };
}
