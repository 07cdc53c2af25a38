// Usage: npm run types
// Checks types once per platform: everything with Node's types, the pure rooms without any, the script of the reports' page with a browser's.
import { spawnSync } from "node:child_process";

const projects = ["tsconfig.json", "tsconfig.pure.json", "tsconfig.page.json"];
const failed = projects.filter((project) => {
  console.log(`types: ${project}`);
  return spawnSync("tsc", ["--project", project, "--pretty", "false"], { stdio: "inherit" }).status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
