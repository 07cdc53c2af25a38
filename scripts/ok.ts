// Usage: npm run ok
// What passes before a push: types, lint, imports, unit tests. Prints how long each took; stops at the first failure.
import { spawnSync } from "node:child_process";

for (const step of ["types", "lint", "imports", "test:unit"]) {
  const startedAt = performance.now();
  const { status } = spawnSync("npm", ["run", "--silent", step], { stdio: "inherit" });
  console.log(`${status === 0 ? "ok" : "FAILED"} ${step} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  if (status !== 0) process.exit(1);
}
