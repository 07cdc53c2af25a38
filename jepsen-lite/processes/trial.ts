import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Cluster, type OwnMember, type Preparation } from "./cluster.ts";
import { sleep } from "./machine-clock.ts";
import type { ProbeContext } from "./nemesis.ts";

/**
 * Starts one member of the store, prepared in that way, and asks of it every 100 ms for 5 s until there is an answer: `null` for "it works", or why it does not.
 * For what can only be known by trying.
 */
export async function tryMember(
  { store, directory }: ProbeContext,
  preparation: Preparation,
  ask: (own: OwnMember) => Promise<string | null | undefined>,
): Promise<string | undefined> {
  if (store === undefined) return undefined;
  const home = join(directory, preparation);
  mkdirSync(home, { recursive: true });
  const prepare = new Set([preparation]);
  const cluster = await Cluster.start({ store, members: 1, directory: home, prepare, random: Math.random });
  try {
    const own = cluster.own("m0");
    own.process.mayEnd = true;
    for (let tries = 0; tries < 50; tries++) {
      const answer = await ask(own);
      if (answer !== undefined) return answer ?? undefined;
      if (!own.process.runs) return `${store.program} does not start when it is prepared for this`;
      await sleep(100);
    }
    return `${store.program} did not answer within 5 s`;
  } finally {
    await cluster.remove();
  }
}
