import type { Anomaly } from "../verdict.ts";
import type { Call, Model } from "./model.ts";
import type { Stuck } from "./search.ts";

/** Where linearization sticks, in words: what took effect last, what had to be next, and what else could have been. */
export function explainStuck<State, Op>(
  name: string,
  model: Pick<Model<State, Op>, "describe">,
  { blocked, concurrent, before, state }: Stuck<Op>,
): Anomaly {
  const say = (call: Call<Op>) => `${model.describe(call.op)} (operation ${call.invoked})`;
  const lines = [
    `${say(blocked)} on ${name} has returned, but cannot have taken effect at any moment while it was under way.`,
    before.length === 0
      ? `Nothing had taken effect before: ${state}.`
      : `In the order that gets furthest, ${before.map(say).join(", then ")} took effect last, which leaves ${state}.`,
  ];
  if (concurrent.length > 0)
    lines.push(`Also under way were ${concurrent.map(say).join(", ")}: no order of them makes it possible.`);
  const operations = [...before, blocked, ...concurrent].map((call) => call.invoked);
  return { kind: "not-linearizable", explanation: lines.join("\n"), operations };
}
