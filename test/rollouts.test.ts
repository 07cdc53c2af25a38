import { afterAll, beforeAll, expect, test } from "vitest";
import { rolloutsUnderLoad, violationsOf } from "./soak/rollouts.ts";
import { TestCluster } from "./support/cluster.ts";

const cluster = new TestCluster();

beforeAll(() => cluster.up("--members", "1"));
afterAll(() => cluster.remove());

test("no request fails, through a Service or an Ingress, while pods are replaced and a node is drained", async () => {
  // The long one, at full speed, is `npm run soak -- rollout`.
  const report = await rolloutsUnderLoad(cluster, { forMs: 20_000, connections: 4, pauseMs: 5, say: () => undefined });
  expect(violationsOf(report)).toEqual([]);
});
