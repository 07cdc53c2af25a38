import { EtcdError } from "../../../kvstore/client/mod.ts";
import { shuffled } from "../draw.ts";
import { sleep } from "../machine-clock.ts";
import { type Healed, type Nemesis, needsOwned } from "../nemesis.ts";
import { Reconfiguration } from "../reconfigure.ts";
import { walDirOf } from "../store.ts";
import { flipWalBits } from "../wal-bits.ts";

/** To start, and to read its log. */
const patienceMs = 60_000;

export const bitFlip: Nemesis = {
  name: "bit-flip",
  summary: "bits of the log of one that is down turn over; when it starts it has to see that, and is replaced",
  async probe(context) {
    const why = await needsOwned(context);
    return why ?? (context.members < 3 ? "with fewer than three members there is nobody to spare" : undefined);
  },
  async apply(context) {
    const { cluster, faults, observer, random, scene } = context;
    const [name = ""] = shuffled(scene().members, random);
    await faults.kill(name);
    const { dataDir, process, place } = cluster.own(name);
    const bytes = flipWalBits(walDirOf(dataDir), random);
    faults.start(name);
    process.mayEnd = true;
    const serves = async () => (await observer.status(cluster.member(name))) !== undefined;
    for (const until = performance.now() + patienceMs; process.runs && performance.now() < until; await sleep(50))
      if (await serves()) break;
    const refused = !process.runs;
    return {
      value: { members: [name], bytes, refused },
      async heal(): Promise<Healed> {
        process.mayEnd = false;
        if (!refused) return { effect: bytes };
        try {
          const change = new Reconfiguration(context);
          await change.remove(name);
          await change.add(place, false);
          return { effect: bytes, value: { replaced: name } };
        } catch (error) {
          if (!(error instanceof EtcdError)) throw error;
          return { effect: bytes, value: { "not replaced": error.message } };
        }
      },
    };
  },
  expectedOutput: [/crc mismatch/i, /damaged/i, /wal:/, /walpb/, /panic: .*\bwal\b/i],
};
