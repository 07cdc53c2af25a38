import { operationsOf } from "../../history/mod.ts";
import { fieldsOf, isFields, wrongShape } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

export interface BankOptions {
  readonly accounts: readonly string[];
  /** What all accounts hold together, always. */
  readonly total: number;
  readonly mayBeNegative?: boolean;
}

/**
 * Money is moved between accounts, never made or lost: every read of all of them has the same sum.
 *
 * Operations: `read`, which gets `{ balances: { account: amount, … } }`. Transfers need not be looked at.
 */
export const bank = checker<BankOptions>("bank", (history, { accounts, total, mayBeNegative = false }) => {
  const anomalies: Anomaly[] = [];
  let judged = 0;
  for (const read of operationsOf(history)) {
    if (read.f !== "read" || read.outcome !== "ok") continue;
    judged++;
    const { balances } = fieldsOf(read);
    if (!isFields(balances)) throw wrongShape(read, "has no balances");
    const report = (kind: string, what: string) =>
      anomalies.push({
        kind,
        explanation: `Read ${read.index} ${what}: ${JSON.stringify(balances)}.`,
        operations: [read.index],
      });
    let sum = 0;
    for (const account of accounts) {
      const balance = balances[account];
      if (typeof balance !== "number") report("missing-account", `lacks ${account}`);
      else {
        sum += balance;
        if (balance < 0 && !mayBeNegative) report("negative-balance", `has ${account} at ${balance}`);
      }
    }
    for (const account of Object.keys(balances))
      if (!accounts.includes(account)) report("unexpected-account", `has ${account}, which does not exist`);
    if (sum !== total) report("wrong-total", `sums up to ${sum}, not ${total}`);
  }
  return { anomalies, judged, of: "reads" };
});
