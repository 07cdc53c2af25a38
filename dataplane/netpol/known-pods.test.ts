import { expect, test } from "vitest";
import type { Pod } from "../../controlplane/api/mod.ts";
import { EarlyPods } from "./known-pods.ts";

const pod = (uid: string, podIP?: string): Pod =>
  ({
    metadata: { namespace: "a", name: uid, uid, labels: { app: uid } },
    spec: { containers: [] },
    status: { podIP },
  }) as Pod;
const addresses = (pods: readonly Pod[]) => pods.map(({ metadata, status }) => [metadata.name, status?.podIP]);

test("a pod's address counts before the API server knows it, or the pod", () => {
  const early = new EarlyPods();
  early.add(pod("web"), "10.244.1.2");
  early.add(pod("static"), "10.244.1.3");
  expect(addresses(early.amend([pod("web"), pod("db", "10.244.2.2")]))).toEqual([
    ["web", "10.244.1.2"],
    ["db", "10.244.2.2"],
    ["static", "10.244.1.3"],
  ]);
});

test("an address belongs to one pod: to the last that got it, and to whom the API server says", () => {
  const early = new EarlyPods();
  early.add(pod("first"), "10.244.1.2");
  early.add(pod("second"), "10.244.1.2");
  expect(addresses(early.amend([]))).toEqual([["second", "10.244.1.2"]]);
  expect(addresses(early.amend([pod("third", "10.244.1.2")]))).toEqual([["third", "10.244.1.2"]]);
  early.settle("second");
  expect(early.amend([])).toEqual([]);
});
