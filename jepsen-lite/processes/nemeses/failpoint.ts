import { EtcdError } from "../../../kvstore/client/mod.ts";
import { pick } from "../draw.ts";
import { type Nemesis, type NemesisContext, needsOwned } from "../nemesis.ts";
import { targets } from "../targets.ts";
import { tryMember } from "../trial.ts";

/** On the way of a write to the disks and to its answer, and of a compaction; under etcd's names. */
const points = [
  "raftBeforeLeaderSend",
  "raftBeforeSave",
  "raftAfterSave",
  "raftBeforeFollowerSend",
  "raftBeforeAdvance",
  "walBeforeSync",
  "walAfterSync",
  "beforeApplyOneEntryNormal",
  "commitBeforePreCommitHook",
  "commitAfterPreCommitHook",
  "beforeCommit",
  "afterCommit",
  "beforeWritebackBuf",
  "compactBeforeCommitScheduledCompact",
  "compactAfterCommitScheduledCompact",
  "compactBeforeCommitBatch",
  "compactBeforeSetFinishedCompact",
];

/** Of all points by chance, or of one alone: `failpoint=raftBeforeSave`. */
export function failpointAt(name: string | undefined): Nemesis {
  return {
    name: name === undefined ? "failpoint" : `failpoint=${name}`,
    summary: "one, a minority or the leader dies at a failpoint of the store, drawn or named: failpoint=raftBeforeSave",
    prepare: ["failpoints"],
    async probe(context) {
      return (
        (await needsOwned(context)) ??
        tryMember(context, "failpoints", ({ failpointsUrl, directUrl }) => known(failpointsUrl, directUrl))
      );
    },
    async apply(context) {
      const { cluster, faults, random, scene } = context;
      const point = name ?? pick(points, random);
      const target = pick(["one", "minority", "leader"] as const, random);
      const names = targets[target](scene(), random);
      const terms = pick(["panic", "20%panic", "3*off->panic"], random);
      const armed: string[] = [];
      for (const one of names) {
        cluster.own(one).process.mayEnd = true;
        if (await faults.failpoint(one, point, terms)) armed.push(one);
      }
      if (point.startsWith("compact") && context.mayCompact) await compact(context);
      return {
        value: { target, members: armed, point, terms },
        async heal() {
          const struck = names.map((one) => cluster.own(one).process);
          const died = struck.filter(({ runs }) => !runs).length;
          await Promise.all(armed.map((one) => faults.failpoint(one, point)));
          for (const process of struck) {
            if (process.runs) process.mayEnd = false;
            else process.start();
          }
          return { effect: died };
        },
      };
    },
    expectedOutput: [/failpoint panic/],
  };
}

/** Whether there are failpoints in it: etcd as it is distributed was built without, and then there is nobody at the address. */
async function known(url: string, clientUrl: string): Promise<string | null | undefined> {
  const answers = async (asked: URL) =>
    (await fetch(asked, { signal: AbortSignal.timeout(500) }).catch(() => undefined))?.ok === true;
  if (await answers(new URL(url))) return null;
  // It serves its clients, and no failpoints.
  return (await answers(new URL("/health", clientUrl))) ? "it was built without failpoints" : undefined;
}

async function compact({ cluster, observer, random }: NemesisContext): Promise<void> {
  const client = observer.clientOf(cluster.member(pick(cluster.names, random)));
  try {
    const { header } = await client.maintenance.status({ timeoutMs: 1000 });
    await client.kv.compact({ revision: header?.revision ?? 1 }, { timeoutMs: 1000 });
  } catch (error) {
    // It may die of it before it answers.
    if (!(error instanceof EtcdError)) throw error;
  }
}
