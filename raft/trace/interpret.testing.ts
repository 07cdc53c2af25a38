import { assert } from "../../base/mod.ts";
import { TraceCluster } from "./cluster.testing.ts";

/** Runs a trace: the same text with what happens below each `----`. */
export function runTrace(text: string): string {
  const interpreter = new Interpreter();
  return `${text
    .trim()
    .split(/\n\n+/)
    .map((block) => interpreter.block(block))
    .join("\n\n")}\n`;
}

/**
 * Blocks are divided by empty lines. Each has commands, one a line, then `----`, then everything that happened.
 *
 *   cluster 1 2 3 [option=number|false …]   members that know each other, with options of RaftOptions
 *   start 4                     a member with an empty disk
 *   restart 2                   crashes it and starts it again
 *   tick 1 [times]              time passes for 1
 *   campaign 1
 *   propose 1 text
 *   change 1 add 4 | remove 2 | learner 4 | joint add 4 remove 1 | joint-explicit … | leave
 *   read 1 context
 *   transfer 1 3                asks 1 to make 3 the leader
 *   compact 1 5                 1 makes a snapshot at 5 and forgets the log up to there
 *   request 3                   3 asks for a snapshot
 *   unreachable 1 2             tells 1 that messages to 2 are being lost
 *   cut 3 | cut 1->2 | heal
 *   hang 1 | release 1          the disk of 1 takes its time; has done all it was given
 *   stabilize [n]               until nothing is left to do, or n messages have arrived; no time passes
 *   status 1
 */
class Interpreter {
  #cluster: TraceCluster | undefined;
  #lines: string[] = [];

  block(text: string): string {
    const lines = text.split("\n");
    const divider = lines.indexOf("----");
    const commands = divider < 0 ? lines : lines.slice(0, divider);
    this.#lines = [];
    for (const line of commands) if (!line.startsWith("#")) this.#run(line.split(" "), line);
    if (commands.every((line) => line.startsWith("#"))) return text;
    return [...commands, "----", ...this.#lines].join("\n");
  }

  #run([command, ...words]: string[], line: string): void {
    if (command === "cluster") {
      const ids = words.filter((word) => !word.includes("=")).map(BigInt);
      this.#cluster = new TraceCluster((told) => this.#lines.push(told), ids, parseOptions(words));
      return;
    }
    const cluster = this.#cluster;
    assert(cluster !== undefined, "a trace starts with a cluster");
    const [first = "", ...rest] = words;
    if (command === "cut") cut(cluster, first);
    else if (command === "heal") cluster.heal();
    else if (command === "stabilize") cluster.stabilize(words.length === 0 ? undefined : Number(first));
    else this.#runOn(cluster, command as string, BigInt(first), rest, line);
  }

  #runOn(cluster: TraceCluster, command: string, id: bigint, words: string[], line: string): void {
    const run = commands[command];
    assert(run !== undefined, `there is such a command: ${line}`);
    run(cluster, id, words);
  }
}

/** Those that name the member they are about first. */
const commands: Readonly<Record<string, (cluster: TraceCluster, id: bigint, words: readonly string[]) => void>> = {
  start: (cluster, id) => cluster.start(id),
  restart: (cluster, id) => cluster.restart(id),
  tick: (cluster, id, [times = "1"]) => {
    for (let i = 0; i < Number(times); i++) cluster.node(id).tick();
  },
  campaign: (cluster, id) => cluster.node(id).campaign(),
  propose: (cluster, id, words) => cluster.propose(id, words.join(" ")),
  change: (cluster, id, words) => cluster.proposeChange(id, words.join(" ")),
  read: (cluster, id, [context = ""]) => cluster.readIndex(id, context),
  transfer: (cluster, id, [to = ""]) => cluster.node(id).transferLeader(BigInt(to)),
  compact: (cluster, id, [index = ""]) => cluster.compact(id, Number(index)),
  request: (cluster, id) => cluster.node(id).requestSnapshot(),
  unreachable: (cluster, id, [peer = ""]) => cluster.node(id).reportUnreachable(BigInt(peer)),
  hang: (cluster, id) => cluster.hangDisk(id),
  release: (cluster, id) => cluster.releaseDisk(id),
  status: (cluster, id) => cluster.status(id),
};

function cut(cluster: TraceCluster, what: string): void {
  const [from, to] = what.split("->");
  if (to === undefined) cluster.cutOff(BigInt(from as string));
  else cluster.cut(BigInt(from as string), BigInt(to));
}

function parseOptions(words: readonly string[]): Record<string, number | boolean> {
  const pairs = words.filter((word) => word.includes("=")).map((word) => word.split("="));
  return Object.fromEntries(pairs.map(([name, value]) => [name, value === "false" ? false : Number(value)]));
}
