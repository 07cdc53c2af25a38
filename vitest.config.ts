import { defineConfig } from "vitest/config";

const common = { environment: "node", include: ["**/*.test.ts"], exclude: ["**/node_modules/**", "**/dist/**"] };

// unit: beside the code, no process but the test's own. scenario: real processes, real clients, real kernels.
export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: "unit", exclude: [...common.exclude, "test/**"], testTimeout: 20_000 } },
      {
        test: {
          ...common,
          name: "scenario",
          include: ["test/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
