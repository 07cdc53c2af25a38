import { type Json, type Operation, operationsOf } from "../../history/mod.ts";
import { stepsOf } from "../replay/store-operations.ts";
import { type Fields, fieldsOf, isFields, listOf, numberOf, textOf, wrongShape } from "../shape.ts";
import { checker } from "../verdict.ts";
import { explainStuck } from "./explain.ts";
import type { Call } from "./model.ts";
import { type Budget, checkPartitions } from "./partitions.ts";
import { Search } from "./search.ts";
import { type StoreOp, storeModel } from "./store.ts";

export interface WholeStoreOptions extends Budget {
  /** Leases may end by themselves at any time after they were granted; when that is too early or too late, `leaseBounds` says. Default true. */
  readonly leasesExpire?: boolean;
}

/**
 * Linearizability of the whole store, with revisions, transactions, leases, compaction and ranges. Operations: `range` (unless serializable), `put`, `delete`,
 * `kv-txn`, `compact`, `lease-grant`, `lease-revoke`; see README.md.
 */
export const wholeStore = checker<WholeStoreOptions>(
  "linearizable store",
  (history, { leasesExpire = true, ...budget }) => {
    const calls: Call<StoreOp>[] = [];
    let judged = 0;
    let readsPast = false;
    let grants = 0;
    const taken = new Set<number>();
    const granted = new Set<string>();
    for (const operation of operationsOf(history)) {
      const { f, outcome, index, returned } = operation;
      if (outcome === "fail" || !kinds.has(f)) continue;
      const op = storeOp(operation);
      if (op.asked.serializable === true) continue;
      if ((f === "range" || f === "kv-txn") && JSON.stringify(operation.input).includes('"revision":'))
        readsPast = true;
      calls.push({ op, invoked: index, returned });
      if (outcome === "ok") {
        judged++;
        if (stepsOf(operation).some(({ f, got }) => f === "put" || (f === "delete" && (got.deleted ?? 0) !== 0)))
          taken.add(op.got?.revision as number);
      }
      if (f === "lease-grant") {
        const id = op.asked.id ?? null;
        grants++;
        granted.add(String(id));
        if (!leasesExpire) continue;
        const expiry = {
          f: "lease-revoke",
          asked: { id },
          got: undefined,
          readsOnly: false,
          text: `expiry of lease ${id}`,
        };
        calls.push({ op: expiry, invoked: index, returned: Infinity });
      }
    }
    const model = storeModel({ keepsPast: readsPast, regrants: granted.size < grants, taken });
    const result = checkPartitions([{ name: "the store", search: () => new Search(model, calls) }], budget);
    const anomalies = result.kind === "illegal" ? [explainStuck(result.name, model, result.stuck)] : [];
    const undecided = result.kind === "unknown" ? result.why : undefined;
    return { anomalies, judged, of: "operations", undecided, figures: { steps: result.steps } };
  },
);

const kinds: ReadonlySet<string> = new Set([
  "range",
  "put",
  "delete",
  "kv-txn",
  "compact",
  "lease-grant",
  "lease-revoke",
]);

/** Checks once what the model, on its hot path, takes for given. */
function storeOp(operation: Operation): StoreOp {
  const { f, input, outcome } = operation;
  const asked = fieldsOf(operation, input);
  const got = outcome === "ok" ? fieldsOf(operation) : undefined;
  let readsOnly = f === "range";
  if (f === "kv-txn") {
    for (const compare of listOf(operation, asked, "compare")) checkCompare(operation, fieldsOf(operation, compare));
    const requests = [...listOf(operation, asked, "success"), ...listOf(operation, asked, "failure")];
    for (const request of requests) checkRequest(operation, fieldsOf(operation, request));
    readsOnly = requests.every((request) => (request as Fields).f === "range");
    if (got !== undefined && !listOf(operation, got, "responses").every(isFields))
      throw wrongShape(operation, "has a response that is no object");
  } else if (f === "compact") numberOf(operation, asked, "revision");
  else if (!f.startsWith("lease")) checkRequest(operation, { f, ...asked });
  return { f, asked, got, readsOnly, text: describe(f, asked, got) };
}

const targets: ReadonlySet<unknown> = new Set(["value", "lease", "create", "mod", "version"]);
const results: ReadonlySet<unknown> = new Set(["=", "!=", "<", ">"]);

function checkCompare(operation: Operation, compare: Fields): void {
  textOf(operation, compare, "key");
  if (!targets.has(compare.target) || !results.has(compare.result))
    throw wrongShape(operation, `compares ${JSON.stringify(compare)}`);
}

function checkRequest(operation: Operation, fields: Fields): void {
  textOf(operation, fields, "key");
  if (fields.f === "put") textOf(operation, fields, "value");
  else if (fields.f !== "delete" && fields.f !== "range")
    throw wrongShape(operation, `asks for ${JSON.stringify(fields.f)}`);
}

function describe(f: string, asked: Fields, got: Json | undefined): string {
  return got === undefined
    ? `${f} ${JSON.stringify(asked)}`
    : `${f} ${JSON.stringify(asked)} with answer ${JSON.stringify(got)}`;
}
