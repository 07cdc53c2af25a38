import { describe, expect, test } from "vitest";
import { readConfiguration } from "./configuration.ts";

const root = { apiVersion: "kubescheduler.config.k8s.io/v1", kind: "KubeSchedulerConfiguration" };
const read = (fields: Record<string, unknown>) => readConfiguration({ ...root, ...fields });
const names = (plugins: readonly { name: string }[]) => plugins.map(({ name }) => name);

describe("a KubeSchedulerConfiguration", () => {
  test("that says nothing is the default profile", () => {
    const { profiles, podInitialBackoffMs, podMaxBackoffMs } = read({});
    expect(profiles.map(({ schedulerName }) => schedulerName)).toEqual(["default-scheduler"]);
    expect([podInitialBackoffMs, podMaxBackoffMs]).toEqual([1000, 10_000]);
    const weights = profiles[0]?.plugins.score.map(({ plugin, weight }) => `${plugin.name} ${weight}`);
    expect(weights).toEqual([
      "TaintToleration 3",
      "NodeAffinity 2",
      "NodeResourcesFit 1",
      "PodTopologySpread 2",
      "InterPodAffinity 2",
      "NodeResourcesBalancedAllocation 1",
      "ImageLocality 1",
    ]);
  });

  test("switches plugins off and on at a point, at all points, and changes their weights", () => {
    const { profiles } = read({
      profiles: [
        {
          schedulerName: "packs",
          plugins: {
            multiPoint: { disabled: [{ name: "ImageLocality" }] },
            score: { disabled: [{ name: "*" }], enabled: [{ name: "NodeResourcesFit", weight: 7 }] },
            postFilter: { disabled: [{ name: "DefaultPreemption" }] },
          },
          pluginConfig: [{ name: "NodeResourcesFit", args: { scoringStrategy: { type: "MostAllocated" } } }],
        },
      ],
    });
    const plugins = profiles[0]?.plugins;
    expect(plugins?.score.map(({ plugin, weight }) => [plugin.name, weight])).toEqual([["NodeResourcesFit", 7]]);
    expect(names(plugins?.postFilter ?? [])).toEqual([]);
    expect(names(plugins?.filter ?? [])).toContain("NodeResourcesFit");
  });

  const refused: [string, Record<string, unknown>, string][] = [
    ["an unknown field", { profils: [] }, "configuration.profils: unknown field"],
    ["another version", { apiVersion: "v1" }, "apiVersion: must be one of kubescheduler.config.k8s.io/v1"],
    [
      "an unknown plugin",
      { profiles: [{ plugins: { filter: { enabled: [{ name: "Coscheduling" }] } } }] },
      'profiles[0].plugins.filter.enabled[0].name: there is no plugin "Coscheduling"',
    ],
    [
      "a plugin at a point that it does not have",
      { profiles: [{ plugins: { filter: { enabled: [{ name: "ImageLocality" }] } } }] },
      'profiles[0].plugins.filter: "ImageLocality" does not do that',
    ],
    [
      "an unknown argument",
      { profiles: [{ pluginConfig: [{ name: "VolumeBinding", args: { shape: [] } }] }] },
      "profiles[0].pluginConfig[0].args.shape: unknown field",
    ],
    [
      "two profiles of one name",
      { profiles: [{}, {}] },
      'profiles[1].schedulerName: "default-scheduler" is there twice',
    ],
    [
      "a lease that ends before it is renewed",
      { leaderElection: { leaseDuration: "5s" } },
      "leaderElection: leaseDuration must be greater than renewDeadline",
    ],
  ];
  test.each(refused)("with %s is refused in one line", (_, fields, sentence) => {
    expect(() => read(fields)).toThrow(sentence);
  });
});
