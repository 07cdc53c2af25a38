import type { ClockSample, LeaderChange, Run, SimulatedMessage } from "../report/mod.ts";
import { judge } from "../workloads/mod.ts";
import { type Case, replayCommand } from "./cases.ts";
import type { Cluster } from "./cluster.ts";
import { type Report, run, type Watcher } from "./run.ts";
import { configOf } from "./verdicts.ts";

/** A report shows what came last before it went wrong. */
const messagesKept = 3000;

/** Runs a case again, and gives all that a report is made of. */
export async function recorded(tried: Case, version: string): Promise<Run> {
  const tape = new Tape();
  const report = await run({ ...tried, watch: tape });
  const { seed, seconds, mask } = tried;
  const { parameters, history } = report;
  return {
    history,
    manifest: {
      version,
      seed,
      command: replayCommand(tried),
      nodeVersion: process.version,
      config: {
        ...configOf(parameters),
        ...{ workload: parameters.workload, members: parameters.members, clients: parameters.clients, seconds, mask },
      },
    },
    verdict: verdictOf(report),
    ...{ leaders: tape.leaders, clocks: tape.clocks, messages: tape.messages },
  };
}

/** Of the checkers of its workload; and what looked at members and disks from outside, if it saw something. */
function verdictOf({ history, parameters, violation }: Report): Run["verdict"] {
  const { checkers, valid } = judge(history, parameters.workload, configOf(parameters));
  if (violation === undefined || checkers.some(({ checker }) => checker === violation.property))
    return { valid, checkers };
  const { property: checker, message } = violation;
  const seen = { valid: false, checker, summary: message.split("\n")[0] as string, anomalies: [] } as const;
  return { valid: false, checkers: [seen, ...checkers] };
}

class Tape implements Watcher {
  readonly leaders: LeaderChange[] = [];
  readonly clocks: ClockSample[] = [];
  readonly messages: SimulatedMessage[] = [];
  #leader: string | null = null;
  readonly #offsets = new Map<string, number>();

  look({ timeline, leader, machines }: Cluster): void {
    const timeNs = timeline.nowUs * 1000;
    const name = leader?.name ?? null;
    if (name !== this.#leader) {
      this.#leader = name;
      this.leaders.push({ timeNs, leader: name, term: leader?.local?.member.leadership.term ?? 0 });
    }
    for (const { name: node, clock } of machines) {
      const offsetMs = Math.round(clock.offsetMs);
      // A line between two points is as good as all that lie on it.
      if (Math.abs(offsetMs - (this.#offsets.get(node) ?? 0)) < 50) continue;
      this.#offsets.set(node, offsetMs);
      this.clocks.push({ timeNs, node, offsetMs });
    }
  }

  sent(message: SimulatedMessage): void {
    this.messages.push(message);
    if (this.messages.length >= 2 * messagesKept) this.messages.splice(0, messagesKept);
  }
}
