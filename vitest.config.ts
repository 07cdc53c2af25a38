import { defineConfig } from "vitest/config";

const common = {
  environment: "node",
  setupFiles: ["test/support/properties.ts"],
  include: ["**/*.test.ts"],
  exclude: ["**/node_modules/**", "**/dist/**"],
};

/**
 * Scenarios that have the machine for themselves: time counts in them (how soon something is back), or their clusters are another user's, who does not know
 * which ports the stopped clusters of this one keep.
 */
const alone = ["faults", "random-faults", "rollouts", "runtime-rootless", "store-recovery"].map(
  (name) => `test/${name}.test.ts`,
);
const patience = { testTimeout: 120_000, hookTimeout: 120_000 };

// unit: beside the code, no process but the test's own. scenario, alone: real processes, real clients, real kernels.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: "unit",
          exclude: [...common.exclude, "test/**"],
          testTimeout: 20_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          ...patience,
          name: "scenario",
          include: ["test/**/*.test.ts"],
          exclude: [...common.exclude, ...alone],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...common,
          ...patience,
          name: "alone",
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
