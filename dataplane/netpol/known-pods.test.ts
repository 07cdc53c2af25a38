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

test("a pod whose network was made anew has its new address", () => {
  const early = new EarlyPods();
  early.add(pod("web"), "10.244.1.9");
  const listed = pod("web", "10.244.1.2");
  early.listed(listed);
  expect(addresses(early.amend([listed]))).toEqual([["web", "10.244.1.9"]]);
  early.listed(pod("web", "10.244.1.9"));
  expect(addresses(early.amend([listed])), "the API server knows by now").toEqual([["web", "10.244.1.2"]]);
});

test("an address belongs to the pod that got it last", () => {
  const early = new EarlyPods();
  early.add(pod("first"), "10.244.1.2");
  early.add(pod("second"), "10.244.1.2");
  expect(addresses(early.amend([pod("first", "10.244.1.2")]))).toEqual([["second", "10.244.1.2"]]);
  early.gone(pod("second"));
  expect(early.amend([])).toEqual([]);
});
