// One process of a search: `node child.ts NUMBER FROM COUNT [control]` tries seeds and prints a line of JSON for each. With `control`
// the bug is left out.
import { patchesOf } from "./bug.ts";
import { historicSearches } from "./historic/table.ts";
import { attemptsOf } from "./search.ts";
import { installPatches } from "./switch.ts";
import { seededBugs } from "./table.ts";

const [number, from, count, control] = process.argv.slice(2);
const bug = [...seededBugs, ...historicSearches].find((one) => one.number === Number(number));
if (bug === undefined) throw new Error(`no seeded bug has the number ${number}`);
installPatches(patchesOf(bug, control === undefined));
const attempt = await attemptsOf(bug.search);
for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  const startMs = performance.now();
  const reports = await attempt(seed);
  console.log(JSON.stringify({ seed, reports, ms: performance.now() - startMs }));
  await new Promise((resolve) => setImmediate(resolve));
}
