// Usage: npm run build [-- DIRECTORY]     default: dist
// Writes the program as plain JavaScript: every source with its types blanked out, line by line the same, and nothing bundled.
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { isSource, sourcePattern } from "../cli/cluster/sources.ts";

const root = join(import.meta.dirname, "..");
const target = process.argv[2] ?? join(root, "dist");

const sources = globSync(sourcePattern, { cwd: root }).filter(isSource);
for (const source of sources) {
  const text = stripTypeScriptTypes(readFileSync(join(root, source), "utf8"));
  const output = join(target, source.replace(/\.ts$/, ".js"));
  mkdirSync(dirname(output), { recursive: true });
  // Only relative imports name a .ts file.
  writeFileSync(output, text.replaceAll(/((?:from|import)\s*\(?\s*"\.[^"]*)\.ts"/g, '$1.js"'));
}
for (const asIs of ["package.json", "jepsen-lite/report/page", "jepsen-lite/simulation/corpus.json"])
  cpSync(join(root, asIs), join(target, asIs), { recursive: true });
console.log(`build: ${sources.length} files in ${target}`);
