import { numberBetween, pick, shuffled } from "../draw.ts";
import { fakeTimeLibrary } from "../fake-clock.ts";
import { sleep } from "../machine-clock.ts";
import { type Nemesis, needsOwned, type ProbeContext } from "../nemesis.ts";
import { tryMember } from "../trial.ts";

const strobeMs = 120;
/** Less than this may be the rounding of whole seconds. */
const seenMs = 1000;

export const clock: Nemesis = {
  name: "clock",
  summary: "wall clocks step by seconds to a day, forwards and back, once or to and fro",
  prepare: ["clock"],
  async probe(context) {
    return (await needsOwned(context)) ?? (await tried(context));
  },
  async apply({ faults, random, scene, holdMs }) {
    const names = shuffled(scene().members, random).slice(0, 1 + random.below(scene().members.length));
    const magnitude = pick([4, 60, 3600, 86_400], random);
    const offsets = new Map(
      names.map((name) => [name, numberBetween(3, magnitude, random) * (random.below(2) ? 1 : -1)]),
    );
    const strobes = random.below(3) === 0 && holdMs > 4 * strobeMs;
    let seen = 0;
    for (const [name, offset] of offsets) {
      await faults.setClock(name, offset);
      // The answer's date is renewed once a second.
      for (let tries = 0; tries < 12; tries++) {
        const offsetMs = await faults.setClock(name, offset);
        if (offsetMs === undefined || Math.abs(offsetMs) > seenMs) {
          if (offsetMs !== undefined) seen++;
          break;
        }
        await sleep(100);
      }
    }
    let over = false;
    const strobing = (async () => {
      for (let away = false; strobes && !over; away = !away) {
        await sleep(strobeMs);
        if (!over) await Promise.all([...offsets].map(([name, offset]) => faults.setClock(name, away ? offset : 0)));
      }
    })();
    return {
      value: { target: strobes ? "strobe" : "step", offsets: Object.fromEntries(offsets) },
      async heal() {
        over = true;
        await strobing;
        for (const name of names) await faults.setClock(name, 0);
        return { effect: seen };
      },
    };
  },
};

/** Whether a program can be shown another time is seen by trying: one that asks the kernel and not the C library (any in Go) is not impressed. */
async function tried(context: ProbeContext): Promise<string | undefined> {
  if (fakeTimeLibrary() === undefined) return "libfaketime is not there: apt-get install faketime";
  return tryMember(context, "clock", async ({ clock: own }) => {
    own!.set(3600);
    const offsetMs = await own!.offsetMs();
    if (offsetMs === undefined) return undefined;
    if (Math.abs(offsetMs) > seenMs) return null;
    return `${context.store?.program} takes the time from the kernel, past the C library that libfaketime stands in for, as programs in Go do`;
  });
}
