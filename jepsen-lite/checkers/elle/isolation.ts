/** What a store promises of its transactions. Each also promises what those above it do. */
export type IsolationModel =
  | "read-uncommitted"
  | "read-committed"
  | "read-atomic"
  | "snapshot-isolation"
  | "serializable"
  | "strong-session-serializable"
  | "strict-serializable";

const models: readonly IsolationModel[] = [
  "read-uncommitted",
  "read-committed",
  "read-atomic",
  "snapshot-isolation",
  "serializable",
  "strong-session-serializable",
  "strict-serializable",
];

/**
 * The weakest model that each anomaly rules out (Adya; Cerone and others: A framework for transactional consistency models, 2015, for read atomic and
 * snapshot isolation: there, no two anti-dependencies may stand apart in a cycle).
 */
const violated: Readonly<Record<string, IsolationModel>> = {
  G0: "read-uncommitted",
  "duplicate-elements": "read-uncommitted",
  "garbage-read": "read-uncommitted",
  "incompatible-order": "read-uncommitted",
  "cyclic-versions": "read-uncommitted",
  "dirty-update": "read-uncommitted",
  G1a: "read-committed",
  G1b: "read-committed",
  G1c: "read-committed",
  internal: "read-atomic",
  "future-read": "read-atomic",
  "lost-update": "snapshot-isolation",
  "G-single": "snapshot-isolation",
  "G-nonadjacent": "snapshot-isolation",
  "G2-item": "serializable",
};

export function weakestViolated(anomaly: string): IsolationModel {
  if (anomaly.endsWith("-realtime")) return "strict-serializable";
  if (anomaly.endsWith("-process")) return "strong-session-serializable";
  return violated[anomaly] ?? "read-uncommitted";
}

/** Whether a store that promises `model` may not show `anomaly`. */
export function forbids(model: IsolationModel, anomaly: string): boolean {
  return models.indexOf(weakestViolated(anomaly)) <= models.indexOf(model);
}

/** The weakest model that any of these rules out. */
export function weakestOf(anomalies: Iterable<string>): IsolationModel | undefined {
  let weakest = models.length;
  for (const anomaly of anomalies) weakest = Math.min(weakest, models.indexOf(weakestViolated(anomaly)));
  return models[weakest];
}
