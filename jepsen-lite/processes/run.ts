import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Failure, seededRandom } from "../../base/mod.ts";
import { formatEvent, type HistoryEvent, Recorder } from "../history/mod.ts";
import { type Run, type RunVerdict, runFiles, saveRun } from "../report/mod.ts";
import { live, type WorkloadClient, type WorkloadDefinition, workloads } from "../workloads/mod.ts";
import { Cluster } from "./cluster.ts";
import { Conductor } from "./conductor.ts";
import { allServed, crewOf } from "./crew.ts";
import { agreements, converged, dumps } from "./epilogue.ts";
import { Faults } from "./faults.ts";
import { sleep } from "./machine-clock.ts";
import type { Nemesis } from "./nemesis.ts";
import { clientsNode } from "./network/network.ts";
import { Observer } from "./observer.ts";
import type { Store } from "./store.ts";
import { servedWithinMs, verdictOf } from "./verdict.ts";

/** Whom to break: a cluster of this program, or one that is there. */
export type Subject =
  | { readonly store: Store; readonly members: number; readonly extraFlags?: readonly string[] }
  | { readonly endpoints: readonly string[]; readonly pids: readonly number[] };

export interface RunOptions {
  readonly workload: string;
  /** That can work here: their probes were asked. */
  readonly nemeses: readonly Nemesis[];
  readonly subject: Subject;
  readonly seconds: number;
  readonly seed: number;
  /** Of this run alone. */
  readonly directory: string;
  /** Repeats the run, for the manifest. */
  readonly command: string;
  readonly version: string;
  readonly clients?: number;
  readonly say?: (line: string) => void;
}

export interface RunResult {
  readonly verdict: RunVerdict;
  readonly directory: string;
  readonly seconds: number;
  readonly operations: number;
  readonly faults: number;
  readonly effects: Readonly<Record<string, number>>;
}

const healthyWithinMs = 60_000;
const [thinkMeanUs, keys] = [30_000, 3];

/** One run: clients and nemeses for so many seconds, then everything mended, looked at and judged. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { subject, directory, seed, nemeses } = options;
  const definition = definitionOf(options.workload);
  mkdirSync(directory, { recursive: true });
  const random = seededRandom(seed);
  // What links draw depends on the traffic; it must not move what nemeses draw.
  const traffic = seededRandom(seed + 1);
  const fraction = () => traffic.below(2 ** 30) / 2 ** 30;
  const prepare = new Set(nemeses.flatMap(({ prepare: asked = [] }) => asked));
  const cluster =
    "store" in subject
      ? await Cluster.start({ ...subject, directory, prepare, random: fraction })
      : await Cluster.at(subject.endpoints, subject.pids, fraction);
  const openedMs = performance.now();
  let startedMs = openedMs;
  const nowNs = () => Math.round((performance.now() - startedMs) * 1e6);
  const observer = new Observer(cluster, nowNs);
  const file = openSync(join(directory, runFiles.history), "w");
  try {
    if (!(await observer.healthy(healthyWithinMs)))
      throw new Failure("NotHealthy", "the cluster does not serve before anything is broken", `See ${directory}/*.log`);
    if (await holdsKeys(cluster, observer))
      throw new Failure(
        "NotEmpty",
        "there are keys in the store, of which a history would not tell",
        "Give one without",
      );
    startedMs = performance.now();
    observer.watch();
    const clients = options.clients ?? cluster.members.length + 2;
    // Each event is written down when it happens: what ends this process leaves its history.
    const sink = (event: HistoryEvent) => void writeSync(file, formatEvent(event));
    const recorder = new Recorder({ nowNs, clients, sink });
    // Each has its turn, if there is time for that; and elections have time to happen.
    const holdMs = Math.min(4000, Math.max(700, (options.seconds * 1000) / Math.max(6, 1.6 * nemeses.length)));
    const conductor = new Conductor({
      ...{ nemeses, recorder, random, quietMs: holdMs / 2 },
      context: {
        ...{ cluster, faults: new Faults(cluster), observer, random, holdMs },
        mayCompact: definition.compacts !== true,
        scene: () => ({ members: cluster.names, leader: observer.leader, clients: clientsNode }),
      },
    });
    await perform({ definition, cluster, observer, recorder, conductor, clients, options });
    await cluster.end();
    const run = concluded({ definition, cluster, observer, recorder, conductor, clients, options });
    saveRun(directory, run);
    if (run.verdict.valid !== true && definition.isImpossible !== true) cluster.keepData();
    return {
      ...{ verdict: run.verdict, directory, faults: conductor.count, effects: Object.fromEntries(conductor.effects) },
      seconds: (performance.now() - openedMs) / 1000,
      operations: run.history.filter(({ type, process }) => type === "invoke" && process !== "nemesis").length,
    };
  } finally {
    closeSync(file);
    await observer.close();
    await cluster.remove();
  }
}

/** All who take part in a run. */
interface Cast {
  readonly definition: WorkloadDefinition;
  readonly cluster: Cluster;
  readonly observer: Observer;
  readonly recorder: Recorder;
  readonly conductor: Conductor;
  readonly clients: number;
  readonly options: RunOptions;
}

/** Everything that clients and nemeses do. */
async function perform({ definition, cluster, observer, recorder, conductor, clients, options }: Cast): Promise<void> {
  const { seconds, seed, nemeses } = options;
  const crew = crewOf(cluster, clients, seed);
  try {
    let last = 0;
    const unique = () => ++last;
    const workload = definition.start({ recorder, clients, keys, unique, dump: () => dumps(observer) });
    let isOver = false;
    const living = Promise.all(crew.map((client) => live(workload, client, thinkMeanUs, () => isOver)));
    const endMs = performance.now() + seconds * 1000;
    const breaking = nemeses.length > 0 ? conductor.run(() => performance.now() >= endMs) : sleep(seconds * 1000);
    // A client that throws ends the run at once.
    await Promise.race([breaking, living.then(() => breaking)]);
    await conductor.healAll();
    // How long processes take to start is the machine's doing; from then on it is the store's.
    const isWhole = await observer.answering(healthyWithinMs);
    recorder.nemesis("info", "heal", { target: "everything" });
    // With a member that cannot be started it is decided, and nobody need wait long.
    const patienceMs = isWhole ? servedWithinMs : 5000;
    await allServed(recorder, clients, patienceMs);
    isOver = true;
    await living;
    await converged(cluster, observer, patienceMs);
    const [first, ...others] = crew;
    const finish = async (client: WorkloadClient) => workload.finish?.(client);
    await Promise.all(others.map(finish));
    // It is the first who writes down what each member has: by then nobody else may write any more.
    await finish(first!);
    await agreements(observer, recorder);
  } finally {
    await Promise.all(crew.map(({ etcd }) => etcd.close()));
  }
}

/** What there is to be said when everything is over. */
function concluded({ definition, cluster, observer, recorder, conductor, clients, options }: Cast): Run {
  const { nemeses, workload, seconds, seed, version, command } = options;
  const members = cluster.names.length;
  const config = {
    ...{ workload, clients, keys, members, nemesis: nemeses.map(({ name }) => name), seconds },
    ...{ store: cluster.store?.name ?? "somebody's", storeVersion: cluster.store?.version },
  };
  const verdict = verdictOf(recorder.events, definition, config, {
    ...{ clients, members, outputs: cluster.outputs, unexpectedEnds: cluster.unexpectedEnds },
    // Of several, those that had a turn; of one, it must have had one.
    faults: nemeses.length === 1 ? nemeses.map(({ name }) => name) : [...conductor.effects.keys()],
    expectedOutput: nemeses.flatMap(({ expectedOutput = [] }) => expectedOutput),
  });
  const { leaders, clocks } = observer;
  return {
    ...{ history: recorder.events, verdict, leaders },
    ...(clocks.length > 0 ? { clocks } : {}),
    manifest: { version, seed, command, nodeVersion: process.version, config },
  };
}

async function holdsKeys(cluster: Cluster, observer: Observer): Promise<boolean> {
  const { kv } = observer.clientOf(cluster.members[0]!);
  const { count } = await kv.range({ key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0), countOnly: true });
  return count > 0;
}

function definitionOf(name: string): WorkloadDefinition {
  const definition = Object.hasOwn(workloads, name) ? workloads[name] : undefined;
  if (definition !== undefined) return definition;
  const known = Object.keys(workloads).join(", ");
  throw new Failure("WorkloadUnknown", `there is no workload ${name}`, `There are ${known}`);
}
