import type { InternalRaftRequest } from "../../proto/mod.ts";
import type { Histogram, MemberMetrics } from "../metrics/mod.ts";
import { isFailure } from "../mvcc/mod.ts";

/** How long applying takes, by what is applied and whether it succeeds. */
export class ApplyDurations {
  readonly #seconds: MemberMetrics["applySeconds"];
  // The two that are hot are at hand.
  readonly #put: Histogram;
  readonly #txn: Histogram;

  constructor({ applySeconds }: Pick<MemberMetrics, "applySeconds">) {
    this.#seconds = applySeconds;
    this.#put = applySeconds.with("v3", "Put", "true");
    this.#txn = applySeconds.with("v3", "Txn", "true");
  }

  observe(request: InternalRaftRequest, answer: unknown, seconds: number): void {
    const failed = isFailure(answer as object | undefined);
    if (request.put !== undefined && !failed) this.#put.observe(seconds);
    else if (request.txn !== undefined && !failed) this.#txn.observe(seconds);
    else this.#seconds.with("v3", operationOf(request), String(!failed)).observe(seconds);
  }
}

/** The field that is set, as etcd writes it: `LeaseGrant`. */
function operationOf(request: InternalRaftRequest): string {
  for (const [name, value] of Object.entries(request)) {
    if (value !== undefined && name !== "id" && name !== "header") return name.charAt(0).toUpperCase() + name.slice(1);
  }
  return "None";
}
