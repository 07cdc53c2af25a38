// Usage: npm run types
// Checks types once per purity level: everything with Node's types, then the pure rooms without any.
import { spawnSync } from "node:child_process";

const projects = ["tsconfig.json", "tsconfig.pure.json"];
const failed = projects.filter((project) => {
  console.log(`types: ${project}`);
  return spawnSync("tsc", ["--project", project, "--pretty", "false"], { stdio: "inherit" }).status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
