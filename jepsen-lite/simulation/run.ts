import { isFailure } from "../../kvstore/mod.ts";
import { type Init, RangeRequest, RangeResponse } from "../../proto/mod.ts";
import { type History, Recorder } from "../history/mod.ts";
import { type Dump, live, type WorkloadDefinition, workloads } from "../workloads/mod.ts";
import { Chance } from "./chance.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";
import { Nemesis } from "./faults.ts";
import { hold, Violation } from "./hold.ts";
import { type Machine, Process } from "./machine.ts";
import { drawParameters, type Parameters } from "./parameters.ts";
import { poisoned } from "./poison.ts";
import { Timeline } from "./timeline.ts";
import { judge } from "./verdicts.ts";

export interface RunOptions {
  readonly seed: number;
  /** Of the time of faults. */
  readonly seconds: number;
  /** Changes what the seed drew. */
  readonly adjust?: (drawn: Parameters) => Parameters;
  readonly log?: ClusterOptions["log"];
  /** Gets every number that goes into the hash of the run. */
  readonly trace?: (number: number) => void;
  /** Looks at the cluster after each event. */
  readonly watch?: { look(cluster: Cluster): void };
}

export interface Report {
  readonly seed: number;
  readonly parameters: Parameters;
  /** Equal for equal runs. */
  readonly hash: string;
  readonly events: number;
  readonly operations: number;
  readonly acknowledged: number;
  readonly messages: number;
  readonly starts: number;
  readonly leaders: number;
  readonly committed: number;
  readonly virtualSeconds: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly history: History;
  readonly violation: Violation | undefined;
}

/** After the last fault: how long a cluster may take until all its members have the same again. */
const convergenceUs = 60_000_000;
const second = 1_000_000;

/** Runs one seed: faults, then health, then judgement. Never rejects: what went wrong is in the report. */
export async function run({
  seed,
  seconds,
  adjust = (drawn) => drawn,
  log,
  trace,
  watch,
}: RunOptions): Promise<Report> {
  const chance = new Chance(seed);
  const parameters = adjust(drawParameters(chance.split("parameters")));
  const timeline = new Timeline();
  timeline.trace = trace;
  const recorder = new Recorder({ nowNs: () => timeline.nowUs * 1000, clients: parameters.clients });
  const cluster = new Cluster({ timeline, chance, parameters, log });
  const scene = { seconds, chance, parameters, timeline, recorder, cluster, watch };
  let violation: Violation | undefined;
  let nemesis: Nemesis | undefined;
  const unheard: unknown[] = [];
  const onUnheard = (error: unknown) => unheard.push(error);
  process.on("unhandledRejection", onUnheard);
  try {
    nemesis = await poisoned(
      (leak) => timeline.fail(leak),
      () => play(scene),
    );
    // Node tells of promises whose rejection nobody heard when it gets round to it.
    await new Promise((resolve) => setImmediate(resolve));
    hold(unheard.length === 0, "no rejection goes unheard", () => textOf(unheard[0]));
    judge(parameters, recorder.events);
  } catch (error) {
    violation = error instanceof Violation ? error : new Violation("no exceptions", textOf(error));
  } finally {
    process.off("unhandledRejection", onUnheard);
  }
  const { events: history } = recorder;
  return {
    seed,
    parameters,
    hash: timeline.hash,
    events: timeline.events,
    operations: history.filter(({ type, process }) => type === "invoke" && process !== "nemesis").length,
    acknowledged: history.filter(({ type }) => type === "ok").length,
    messages: cluster.network.counts.sent,
    starts: cluster.starts,
    leaders: cluster.ledger.counts.leaders,
    committed: cluster.ledger.counts.committed,
    virtualSeconds: timeline.nowUs / second,
    faults: nemesis?.counts ?? new Map(),
    history,
    violation,
  };
}

interface Scene {
  readonly seconds: number;
  readonly chance: Chance;
  readonly parameters: Parameters;
  readonly timeline: Timeline;
  readonly recorder: Recorder;
  readonly cluster: Cluster;
  readonly watch: RunOptions["watch"];
}

async function play(scene: Scene): Promise<Nemesis> {
  const { seconds, chance, parameters, timeline, recorder, cluster, watch } = scene;
  const untilUs = seconds * second;
  let unique = 0;
  const context = {
    recorder,
    clients: parameters.clients,
    keys: parameters.keys,
    unique: () => ++unique,
    dump: () => cluster.members.map(dumpOf),
  };
  const workload = (workloads[parameters.workload] as WorkloadDefinition).start(context);
  const clients = Array.from({ length: parameters.clients }, (_, number) => {
    const { client, host, clock } = cluster.client();
    return { number, host, etcd: client, clock, chance: chance.split(`workload ${number}`) };
  });
  const nemesis = new Nemesis(
    cluster,
    chance.split("nemesis"),
    recorder,
    clients.map(({ host }) => host),
  );
  const observer = (owner: unknown) => {
    watch?.look(cluster);
    if (!(owner instanceof Process)) return;
    cluster.ledger.look(owner);
    if (owner.machine.busyUs > 0) owner.pause(owner.machine.busyUs);
  };
  const isOver = () => timeline.nowUs >= untilUs;

  // Safety: everything may break.
  cluster.begin();
  nemesis.begin();
  const failed = (error: unknown) => timeline.fail(error);
  let living = clients.length;
  for (const client of clients) {
    live(workload, client, parameters.thinkMeanUs, isOver).then(() => living--, failed);
  }
  await timeline.run(untilUs, observer);

  // Liveness: nothing breaks any more, and everything has to come right.
  let isMended = false;
  nemesis.mend().then(() => {
    isMended = true;
  }, failed);
  const bound = untilUs + convergenceUs;
  await timeline.run(bound, observer, () => isMended && living === 0 && hasConverged(cluster));
  hold(isMended, "a healed cluster answers", () => "nobody told who its members are");
  hold(living === 0, "a healed cluster answers", () => `${living} clients still wait`);
  hold(hasConverged(cluster), "a healed cluster converges", () => describe(cluster));

  // What there is now is all that anybody can ask for.
  let finishing = clients.length;
  for (const client of clients) (workload.finish?.(client) ?? Promise.resolve()).then(() => finishing--, failed);
  await timeline.run(bound + 30 * second, observer, () => finishing === 0);
  hold(finishing === 0, "a healed cluster answers", () => `${finishing} clients still wait for their last answers`);
  await sameKeys(cluster, observer);
  return nemesis;
}

/** Every member runs, follows the one leader, and has applied what it has. */
function hasConverged({ leader, members }: Cluster): boolean {
  const leading = leader?.local?.member;
  if (leading === undefined) return false;
  return members.every(({ local }) => {
    if (local === undefined) return false;
    const { applied, leadership } = local.member;
    return applied === leading.committed && leadership.leader === leading.id;
  });
}

function describe({ members }: Cluster): string {
  const states = members.map(({ name, local, refusal, process }) => {
    if (local === undefined) return `${name} ${refusal ?? (process?.alive ? "starting" : "down")}`;
    const { role, term } = local.member.leadership;
    return `${name} ${role} of term ${term}, applied ${local.member.applied} of ${local.member.committed}`;
  });
  return states.join("; ");
}

/** One log makes one state: the hash of all keys is the same everywhere. */
async function sameKeys({ timeline, members }: Cluster, observer: (owner: unknown) => void): Promise<void> {
  const hashes = new Map<string, string>();
  let waiting = members.length;
  for (const { name, local } of members) {
    local!.member.state.store.hashKv(0).then(
      (found) => {
        if (isFailure(found)) timeline.fail(new Violation("every member can be compared", `${name}: ${found.failure}`));
        else hashes.set(name, `${found.hash} at ${found.hashRevision} of ${found.compactRevision}`);
        waiting--;
      },
      (error: unknown) => timeline.fail(error),
    );
  }
  await timeline.run(timeline.nowUs + 30 * second, observer, () => waiting === 0);
  const different = new Set([...hashes.values()].map((hash) => hash.split(" of ")[0]));
  const told = () => [...hashes].map(([name, hash]) => `${name}: ${hash}`).join("; ");
  const compacted = new Set([...hashes.values()].map((hash) => hash.split(" of ")[1]));
  // A compaction is one entry, but removing takes each member its own time.
  hold(waiting === 0, "every member can be compared", told);
  hold(different.size <= 1 || compacted.size > 1, "all members have the same keys", told);
}

function dumpOf({ name, local }: Machine): Dump {
  const { store } = local!.member.state;
  const answer = RangeResponse.decode(
    RangeResponse.encode(local!.member.state.applier.range(RangeRequest.create(everything)) as Init<RangeResponse>),
  );
  return { name, revision: store.revision, kvs: answer.kvs };
}

const everything = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
