import { clientOf, operationsOf } from "../../history/mod.ts";
import { type Anomaly, checker } from "../verdict.ts";

export interface LivenessOptions {
  /** Clients take turns in processes: see `clientOf`. */
  readonly clients: number;
  /** Every client's first `ok` after healing, invoked then, has to come within so many nanoseconds. */
  readonly withinNs: number;
  /** The nemesis' event after which nothing is broken any more. Default `heal`. */
  readonly healed?: string;
}

/** Once everything is healed, the store serves every client again, soon. The last of the nemesis' `healed` events that is no invocation counts. */
export const liveness = checker<LivenessOptions>("liveness", (history, { clients, withinNs, healed = "heal" }) => {
  const heal = history.findLast(({ process, f, type }) => process === "nemesis" && f === healed && type !== "invoke");
  if (heal === undefined) return { anomalies: [], judged: 0, of: "healings" };
  const served = new Map<number, number>();
  const tried = new Set<number>();
  for (const operation of operationsOf(history)) {
    if (operation.index < heal.index) continue;
    const client = clientOf(operation.process, clients);
    tried.add(client);
    if (operation.outcome === "ok" && !served.has(client)) served.set(client, operation.returnedNs - heal.timeNs);
  }
  const endNs = (history.at(-1)?.timeNs ?? heal.timeNs) - heal.timeNs;
  const anomalies: Anomaly[] = [];
  for (let client = 0; client < clients; client++) {
    const afterNs = served.get(client);
    if (afterNs !== undefined && afterNs <= withinNs) continue;
    const when =
      afterNs === undefined
        ? `was not served again in the ${endNs / 1e9} s that followed`
        : `was served again only after ${afterNs / 1e9} s`;
    anomalies.push({
      kind: tried.has(client) ? "not-served" : "did-not-try",
      explanation: `After everything was healed (event ${heal.index}), client ${client} ${tried.has(client) ? when : "asked for nothing, which proves nothing"}.`,
      operations: [heal.index],
    });
  }
  const worstNs = Math.max(0, ...served.values());
  return { anomalies, judged: clients, of: "clients after healing", figures: { worstNs } };
});
