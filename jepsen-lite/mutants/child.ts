// One process of a search: `node child.ts NUMBER FROM COUNT [control]` tries seeds and prints a line of JSON for each. With `control`
// the bug is left out.
import { isOptional, patchesOf } from "./bug.ts";
import { historicSearches } from "./historic/table.ts";
import { attemptsOf } from "./search.ts";
import { installPatches } from "./switch.ts";
import { seededBugs } from "./table.ts";

const [number, from, count, control] = process.argv.slice(2);
const bug = [...seededBugs, ...historicSearches].find((one) => one.number === Number(number));
if (bug === undefined) throw new Error(`no seeded bug has the number ${number}`);
const patches = patchesOf(bug, control === undefined);
const loaded = installPatches(patches);
const attempt = await attemptsOf(bug.search);
// One that another module had loaded already would be as it always was, and so would one that the search never runs.
const missing = patches.filter(({ file }) => !loaded.has(file) && !isOptional(file));
if (missing.length > 0) throw new Error(`patched in vain: ${missing.map(({ file }) => file).join(", ")}`);
for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  const startMs = performance.now();
  const reports = await attempt(seed);
  console.log(JSON.stringify({ seed, reports, ms: performance.now() - startMs }));
  await new Promise((resolve) => setImmediate(resolve));
}
