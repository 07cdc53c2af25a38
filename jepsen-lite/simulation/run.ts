import { pause } from "../../base/mod.ts";
import { EtcdError } from "../../kvstore/client/mod.ts";
import { type Init, RangeRequest, RangeResponse } from "../../proto/mod.ts";
import { type History, Recorder } from "../history/mod.ts";
import type { SimulatedMessage } from "../report/mod.ts";
import { type Dump, live, type WorkloadClient, type WorkloadDefinition, workloads } from "../workloads/mod.ts";
import { Chance } from "./chance.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";
import { endWell, hasConverged, sameKeys } from "./ending.ts";
import { hold, Violation } from "./hold.ts";
import { type Machine, Process } from "./machine.ts";
import { everything, type Mask, masked } from "./mask.ts";
import { type Happened, Nemesis } from "./nemesis.ts";
import { Operator } from "./operator.ts";
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
  /** What is left out. */
  readonly mask?: Mask;
  readonly log?: ClusterOptions["log"];
  /** Gets every number that goes into the hash of the run. */
  readonly trace?: (number: number) => void;
  readonly watch?: Watcher;
}

export interface Watcher {
  /** After each event. */
  look(cluster: Cluster): void;
  /** Told of each message between members but snapshots. */
  sent?(message: SimulatedMessage): void;
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
  /** The faults that took effect, in order. */
  readonly happened: readonly Happened[];
  /** How it ended: with everything mended, a majority, or not even that. */
  readonly ending: "whole" | "core" | "none";
  readonly history: History;
  readonly violation: Violation | undefined;
}

const second = 1_000_000;
/** What clients do in the end may be a lot: to empty a queue element by element, over a slow network, each of them. */
const lastAnswersUs = 600 * second;

/** Runs one seed: faults, then health, then judgement. Never rejects: what went wrong is in the report. */
export async function run({
  seed,
  seconds,
  adjust = (drawn) => drawn,
  mask = everything,
  log,
  trace,
  watch,
}: RunOptions): Promise<Report> {
  const chance = new Chance(seed);
  const parameters = masked(adjust(drawParameters(chance.split("parameters"))), mask);
  const timeline = new Timeline();
  timeline.trace = trace;
  const recorder = new Recorder({ nowNs: () => timeline.nowUs * 1000, clients: parameters.clients });
  const cluster = new Cluster({ timeline, chance, parameters, log, sent: watch?.sent?.bind(watch) });
  const diary: Diary = { happened: [], ending: "none" };
  const scene = { seconds, faults: mask.faults, chance, parameters, timeline, recorder, cluster, watch, diary };
  let violation: Violation | undefined;
  const unheard: unknown[] = [];
  const onUnheard = (error: unknown) => unheard.push(error);
  process.on("unhandledRejection", onUnheard);
  try {
    await poisoned(
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
    ...diary,
    history,
    violation,
  };
}

interface Scene {
  readonly seconds: number;
  /** The numbers of those that may happen. */
  readonly faults: readonly number[] | undefined;
  readonly chance: Chance;
  readonly parameters: Parameters;
  readonly timeline: Timeline;
  readonly recorder: Recorder;
  readonly cluster: Cluster;
  readonly watch: RunOptions["watch"];
  readonly diary: Diary;
}

/** What is known of a run that broke off, too. */
interface Diary {
  readonly happened: Happened[];
  ending: Report["ending"];
}

async function play(scene: Scene): Promise<void> {
  const { seconds, faults, chance, parameters, timeline, recorder, cluster, watch, diary } = scene;
  const untilUs = seconds * second;
  let unique = 0;
  let well: readonly Machine[] = [];
  const operator = new Operator(cluster);
  const context = {
    recorder,
    clients: parameters.clients,
    keys: parameters.keys,
    unique: () => ++unique,
    isVirtual: true as const,
    dump: async () => {
      // What another client has just been told is written may be news to some.
      while (!hasConverged(cluster, well)) await pause(operator.clock, 10);
      return well.filter(({ local }) => local !== undefined).map(dumpOf);
    },
  };
  const workload = (workloads[parameters.workload] as WorkloadDefinition).start(context);
  const clients = Array.from({ length: parameters.clients }, (_, number) => {
    const { client, host, clock } = cluster.client();
    return { number, host, etcd: client, clock, chance: chance.split(`workload ${number}`) };
  });
  const clientHosts = clients.map(({ host }) => host);
  const nemesis = new Nemesis({
    ...{ cluster, operator, recorder, clientHosts, only: faults, happened: diary.happened },
    chance: chance.split("nemesis"),
  });
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
    live(workload, client, parameters.thinkMeanUs, isOver)
      .then(() => served(client))
      .then(() => living--, failed);
  }
  await timeline.run(untilUs, observer);

  // Liveness: nothing breaks any more.
  const ending = { cluster, nemesis, operator, observer, waiting: () => living };
  well = await endWell(ending);
  diary.ending = well.length < cluster.members.length ? "core" : "whole";

  // What there is now is all that anybody can ask for.
  recorder.nemesis("info", "calm", null);
  let finishing = clients.length;
  for (const client of clients) (workload.finish?.(client) ?? Promise.resolve()).then(() => finishing--, failed);
  await timeline.run(timeline.nowUs + lastAnswersUs, observer, () => finishing === 0);
  hold(finishing === 0, "a healed cluster answers", () => `${finishing} clients still wait for their last answers`);
  await sameKeys(ending, well);
}

/** Resolves when the client has found somebody who answers for the whole cluster. */
async function served({ etcd, clock }: WorkloadClient): Promise<void> {
  for (;;) {
    try {
      await etcd.kv.range({ key: Buffer.from("nothing") });
      return;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
    }
    await pause(clock, 100);
  }
}

function dumpOf({ name, local }: Machine): Dump {
  const { store } = local!.member.state;
  const answer = RangeResponse.decode(
    RangeResponse.encode(local!.member.state.applier.range(RangeRequest.create(allKeys)) as Init<RangeResponse>),
  );
  return { name, revision: store.revision, kvs: answer.kvs };
}

const allKeys = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
