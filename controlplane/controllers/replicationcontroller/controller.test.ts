import { expect, test } from "vitest";
import { asReplicaSet } from "./controller.ts";

test("its selector is a set of labels, all of which a pod must have", () => {
  const { spec } = asReplicaSet({
    metadata: { name: "web" },
    spec: { replicas: 2, minReadySeconds: 5, selector: { app: "web", tier: "front" } },
  });
  expect(spec).toEqual({ replicas: 2, minReadySeconds: 5, selector: { matchLabels: { app: "web", tier: "front" } } });
});
