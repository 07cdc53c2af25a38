import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { profiles } from "./differential/profiles.ts";
import { emptyReport, explain, table } from "./differential/report.ts";
import { rules } from "./differential/rules.ts";
import { differential } from "./differential/run.ts";
import { portsFor } from "./store-cluster.ts";

// Random sequences of all that a client can ask, to Debian's etcd and to our members: results, codes and texts are equal, but for what
// differential/rules.ts names. Here they are the same at each run; `npm run differential -- --operations 1000000` draws others, and more.

test("what differs from etcd 3.4 stands in COMPATIBILITY.md, with its reason", () => {
  const told = readFileSync(join(import.meta.dirname, "..", "COMPATIBILITY.md"), "utf8");
  expect(rules.map(({ because }) => because).filter((because) => !told.includes(` ${because} |`))).toEqual([]);
});

const seed = Number(process.env["SEED"] ?? 993_524);

test(`20,000 operations are answered as etcd answers them (SEED=${seed})`, async () => {
  const report = emptyReport();
  await differential({ profiles, operations: 20_000, seed, firstPort: portsFor(6), shrinkMs: 30_000 }, report);
  expect(report.failures.map(explain).join("\n\n")).toBe("");
  console.log(table(report));
}, 300_000);
