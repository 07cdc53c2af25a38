import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Failure, seededRandom } from "../../base/mod.ts";
import { connect, type EtcdClient } from "../../kvstore/client/mod.ts";
import { clientOf, formatEvent, type HistoryEvent, Recorder } from "../history/mod.ts";
import { type RunVerdict, runFiles, saveRun } from "../report/mod.ts";
import { chanceOf, live, type Workload, type WorkloadClient, workloads } from "../workloads/mod.ts";
import { Cluster } from "./cluster.ts";
import { Conductor } from "./conductor.ts";
import { agreements, converged, dumps } from "./epilogue.ts";
import { Faults } from "./faults.ts";
import { machineClock, sleep } from "./machine-clock.ts";
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

/** One run: clients and a nemesis for so many seconds, then everything mended, looked at and judged. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { subject, directory, seed, nemeses } = options;
  const definition = Object.hasOwn(workloads, options.workload) ? workloads[options.workload] : undefined;
  if (definition === undefined)
    throw new Failure(
      "WorkloadUnknown",
      `there is no workload ${options.workload}`,
      `There are ${Object.keys(workloads)}`,
    );
  mkdirSync(directory, { recursive: true });
  const random = seededRandom(seed);
  const fraction = () => random.below(2 ** 30) / 2 ** 30;
  const prepare = new Set(nemeses.flatMap(({ prepare: asked = [] }) => asked));
  const cluster =
    "store" in subject
      ? await Cluster.start({ ...subject, directory, prepare, random: fraction })
      : await Cluster.at(subject.endpoints, subject.pids, fraction);
  const clientCount = options.clients ?? cluster.members.length + 2;
  const startedMs = performance.now();
  const nowNs = () => Math.round((performance.now() - startedMs) * 1e6);
  const observer = new Observer(cluster, nowNs);
  const file = openSync(join(directory, runFiles.history), "w");
  // Each event is written down when it happens: what ends this process leaves its history.
  const sink = (event: HistoryEvent) => void writeSync(file, formatEvent(event));
  const recorder = new Recorder({ nowNs, clients: clientCount, sink });
  const clients: WorkloadClient[] = [];
  const faults = new Faults(cluster);
  try {
    if (!(await observer.healthy(healthyWithinMs)))
      throw new Failure("NotHealthy", "the cluster does not serve before anything is broken", `See ${directory}/*.log`);
    observer.watch();
    for (let number = 0; number < clientCount; number++)
      clients.push({
        number,
        etcd: clientOfRun(cluster, number),
        clock: machineClock,
        chance: chanceOf(seededRandom(seed + number + 1)),
      });
    let last = 0;
    const unique = () => ++last;
    const workload = definition.start({
      ...{ recorder, clients: clientCount, keys, unique },
      dump: () => dumps(cluster, observer),
    });
    // Each has its turn, if there is time for that; and elections have time to happen.
    const holdMs = Math.min(4000, Math.max(700, (options.seconds * 1000) / Math.max(6, 1.6 * nemeses.length)));
    const conductor = new Conductor({
      ...{ nemeses, recorder, random, quietMs: holdMs / 2 },
      context: {
        ...{ cluster, faults, observer, random, holdMs },
        scene: () => ({ members: cluster.names, leader: observer.leader, clients: clientsNode }),
      },
    });
    let isOver = false;
    const living = Promise.all(clients.map((client) => live(workload, client, thinkMeanUs, () => isOver)));
    const endMs = performance.now() + options.seconds * 1000;
    const broken = nemeses.length > 0 ? conductor.run(() => performance.now() >= endMs) : sleep(options.seconds * 1000);
    // A client that throws ends the run at once.
    await Promise.race([broken, living.then(() => broken)]);
    await faults.healAll();
    // How long processes take to start is the machine's doing; from then on it is the store's.
    await observer.answering(healthyWithinMs);
    recorder.nemesis("info", "heal", { target: "everything" });
    await served(recorder, clientCount);
    isOver = true;
    await living;
    await converged(cluster, observer, servedWithinMs);
    await finish(workload, clients);
    await agreements(cluster, observer, recorder);
    await Promise.all(clients.map(({ etcd }) => etcd.close()));
    await observer.close();
    await cluster.stop();
    const config = {
      ...{ workload: options.workload, clients: clientCount, keys, members: cluster.names.length },
      ...{ nemesis: nemeses.map(({ name }) => name), seconds: options.seconds },
      ...{ store: cluster.store?.name ?? "somebody's", storeVersion: cluster.store?.version },
    };
    const verdict = verdictOf(recorder.events, definition, config, {
      ...{ clients: clientCount, members: cluster.names.length, outputs: cluster.outputs },
      faults: nemeses.length === 1 ? nemeses.map(({ name }) => name) : [],
      expectedOutput: nemeses.flatMap(({ expectedOutput = [] }) => expectedOutput),
      unexpectedEnds: cluster.unexpectedEnds,
    });
    const { leaders, clocks } = observer;
    saveRun(directory, {
      ...{ history: recorder.events, verdict, leaders },
      ...(clocks.length > 0 ? { clocks } : {}),
      manifest: { version: options.version, seed, command: options.command, nodeVersion: process.version, config },
    });
    return {
      ...{ verdict, directory, faults: conductor.count, effects: Object.fromEntries(conductor.effects) },
      seconds: (performance.now() - startedMs) / 1000,
      operations: recorder.events.filter(({ type, process }) => type === "invoke" && process !== "nemesis").length,
    };
  } finally {
    closeSync(file);
    await Promise.all(clients.map(({ etcd }) => etcd.close()));
    await observer.close();
    await cluster.remove();
  }
}

/** Each has a member of its own that it begins with, and goes to the next when that does not answer. */
function clientOfRun(cluster: Cluster, number: number): EtcdClient {
  const urls = cluster.members.map(({ clientUrl }) => clientUrl);
  const at = number % urls.length;
  return connect({
    endpoints: [...urls.slice(at), ...urls.slice(0, at)],
    ...{ timeoutMs: 2000, dialTimeoutMs: 500, keepaliveMs: 500, keepaliveTimeoutMs: 500 },
  });
}

/** Waits until every client has had an answer to something that it asked after the healing, or as long as that may take. */
async function served(recorder: Recorder, clients: number): Promise<void> {
  const waiting = new Set(Array.from({ length: clients }, (_, client) => client));
  const asked = new Set<number>();
  let at = recorder.events.length;
  for (const until = performance.now() + servedWithinMs; waiting.size > 0 && performance.now() < until; await sleep(50))
    for (; at < recorder.events.length; at++) {
      const { process, type } = recorder.events[at]!;
      if (process === "nemesis") continue;
      if (type === "invoke") asked.add(process);
      else if (type === "ok" && asked.has(process)) waiting.delete(clientOf(process, clients));
    }
}

async function finish(workload: Workload, clients: readonly WorkloadClient[]): Promise<void> {
  if (workload.finish !== undefined) await Promise.all(clients.map((client) => workload.finish!(client)));
}
