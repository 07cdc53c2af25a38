import type { Operation } from "../../history/mod.ts";
import type { Anomaly, Findings } from "../verdict.ts";
import { findCycles, type Step } from "./cycles.ts";
import { type DependencyGraph, dependency, type Kind } from "./graph.ts";
import { forbids, type IsolationModel, weakestOf } from "./isolation.ts";
import { addProcessOrder, addRealtimeOrder } from "./sessions.ts";

export interface ElleOptions {
  /** What the store promises. Default: strict-serializable. */
  readonly model?: IsolationModel;
}

/** What an analysis of transactions found: direct anomalies, and dependencies to look for cycles in. */
export interface Dependencies {
  /** The graph's nodes: committed transactions, and crashed ones, in the order of their invocations. */
  readonly transactions: readonly Operation[];
  readonly graph: DependencyGraph;
  readonly anomalies: readonly Anomaly[];
  /** The step in words, for the kinds that the analysis added. */
  readonly say: (step: Step) => string;
}

export function judge(
  { transactions, graph, anomalies, say }: Dependencies,
  { model = "strict-serializable" }: ElleOptions,
): Findings {
  const forbidden = (name: string) => forbids(model, name);
  if (forbidden("G0-process")) addProcessOrder(graph, transactions);
  if (forbidden("G0-realtime")) addRealtimeOrder(graph, transactions);
  const found: Anomaly[] = anomalies.filter(({ kind }) => forbidden(kind));
  for (const { name, steps: circle } of findCycles(graph, forbidden)) {
    const steps = fromFirst(circle);
    const indexOf = (node: number) => (transactions[node] as Operation).index;
    const called = (node: number) => `T${indexOf(node)}`;
    const lines = steps.map((step) => `${called(step.from)} comes before ${called(step.to)}: ${sayStep(step, say)}.`);
    const texts = steps.map(
      ({ from }) => `${called(from)} = ${JSON.stringify((transactions[from] as Operation).output)}`,
    );
    found.push({
      kind: name,
      explanation: [
        `${steps.map(({ from }) => called(from)).join(" before ")} before ${called((steps[0] as Step).from)}: no order of these transactions explains what they saw.`,
        ...texts,
        ...lines,
      ].join("\n"),
      operations: steps.map(({ from }) => indexOf(from)),
      cycle: steps.map((step) => ({
        from: indexOf(step.from),
        to: indexOf(step.to),
        kind: kindName(step.kind),
        because: sayStep(step, say),
      })),
    });
  }
  const weakest = weakestOf(found.map(({ kind }) => kind));
  if (weakest !== undefined && found[0] !== undefined)
    found[0] = { ...found[0], explanation: `${found[0].explanation}\nAll in all, this is not even ${weakest}.` };
  const judged = transactions.filter(({ outcome }) => outcome === "ok").length;
  return { anomalies: found, judged, of: "transactions", figures: { edges: graph.edges } };
}

/** A cycle begins anywhere; for people, with what was invoked first. */
function fromFirst(steps: readonly Step[]): readonly Step[] {
  const first = steps.reduce((least, step, i) => (step.from < (steps[least] as Step).from ? i : least), 0);
  return [...steps.slice(first), ...steps.slice(0, first)];
}

function kindName(kind: Kind): string {
  return Object.entries(dependency).find(([, bit]) => bit === kind)?.[0] ?? "";
}

function sayStep(step: Step, say: (step: Step) => string): string {
  if (step.kind === dependency.process) return "the same process did it first";
  if (step.kind === dependency.realtime) return "it had returned when the other was invoked";
  return say(step);
}
