import type { Json } from "../../history/mod.ts";
import { operationsOf } from "../../history/mod.ts";
import { isFields } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

export interface VacuityOptions {
  /** How many operations of each kind must have ended `ok`, at least. A kind of the history that is not named here needs one. */
  readonly minimumOk?: Readonly<Record<string, number>>;
  /** Faults that must have been made, and have had an effect. */
  readonly faults?: readonly string[];
  /** What must have been reached, by name, and how often it was: "a snapshot was installed", "an election happened". */
  readonly sometimes?: Readonly<Record<string, number>>;
}

/**
 * The run proves something: enough happened, and what was to be broken was. A nemesis' completions (`info` or `ok`) say in their value what came of it:
 * `{ effect: n }`, the number of processes killed, messages dropped, bytes changed, with `{ fault: name }` where that is not `f`. A fault whose effect is always 0 was
 * not wired up.
 */
export const vacuity = checker<VacuityOptions>(
  "vacuity",
  (history, { minimumOk = {}, faults = [], sometimes = {} }) => {
    const anomalies: Anomaly[] = [];
    const report = (kind: string, explanation: string) => anomalies.push({ kind, explanation, operations: [] });
    const ok = new Map<string, number>(Object.keys(minimumOk).map((f) => [f, 0]));
    for (const { f, outcome } of operationsOf(history)) ok.set(f, (ok.get(f) ?? 0) + (outcome === "ok" ? 1 : 0));
    for (const [f, count] of ok) {
      const minimum = minimumOk[f] ?? 1;
      if (count < minimum)
        report("too-few-operations", `Only ${count} operations ${f} ended ok, of at least ${minimum}.`);
    }
    if (ok.size === 0) report("too-few-operations", "Nobody did anything.");
    const effects = new Map<string, number>(faults.map((fault) => [fault, -1]));
    for (const { process, type, f, value } of history) {
      if (process !== "nemesis" || type === "invoke" || type === "fail") continue;
      const { name, effect } = effectOf(f, value);
      if (effect !== undefined) effects.set(name, Math.max(0, effects.get(name) ?? 0) + effect);
      else if (effects.get(name) === -1) effects.set(name, 0);
    }
    for (const [fault, effect] of effects) {
      if (effect > 0) continue;
      report(
        "fault-without-effect",
        effect === -1 ? `The fault ${fault} was never made.` : `The fault ${fault} was made, but had no effect.`,
      );
    }
    for (const [name, count] of Object.entries(sometimes))
      if (count === 0) report("never-reached", `It never happened that ${name}.`);
    const figures = Object.fromEntries([...ok].map(([f, count]) => [`ok ${f}`, count]));
    return { anomalies, judged: ok.size, of: "kinds of operations", figures };
  },
);

function effectOf(f: string, value: Json): { readonly name: string; readonly effect: number | undefined } {
  if (!isFields(value)) return { name: f, effect: undefined };
  const name = typeof value.fault === "string" ? value.fault : f;
  return { name, effect: typeof value.effect === "number" ? value.effect : undefined };
}
