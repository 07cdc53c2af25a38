import fc from "fast-check";
import type { Node, Taint } from "../../../api/mod.ts";
import { images } from "./containers.testing.ts";
import { gpu, hostname, labels, present, rarely, region, some, zone } from "./parts.testing.ts";

const taint: fc.Arbitrary<Taint> = fc
  .record({
    key: fc.constantFrom("dedicated", "spot"),
    value: fc.constantFrom("x", "y", undefined),
    effect: fc.oneof(
      { weight: 6, arbitrary: fc.constant("PreferNoSchedule" as const) },
      { weight: 1, arbitrary: fc.constantFrom("NoSchedule" as const, "NoExecute" as const) },
    ),
  })
  .map((one) => present(one) as Taint);

export const nodes = (maxLength: number): fc.Arbitrary<Node[]> =>
  fc
    .array(
      fc.record({
        labels: labels({
          [zone]: fc.constantFrom("a", "a", "b", "b", undefined),
          [region]: fc.constantFrom("r", undefined),
          disk: fc.constantFrom("ssd", "hdd", "nvme", undefined),
          cores: fc.constantFrom("1", "2", "4", undefined),
        }),
        named: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
        taints: rarely(some(taint, 3), 2),
        unschedulable: rarely(fc.constant(true), 20),
        cpu: fc.constantFrom("1", "2", "3500m", "4"),
        memory: fc.constantFrom("1Gi", "2Gi", "3000Mi", "4Gi"),
        pods: fc.constantFrom("2", "5", "110", "110"),
        storage: fc.constantFrom(undefined, "3Gi", "10Gi"),
        gpus: fc.constantFrom(undefined, "1", "4"),
        hugepages: fc.constantFrom(undefined, "4Mi"),
        images: fc.subarray(Object.entries(images)),
      }),
      { minLength: 1, maxLength, size: "max" },
    )
    .map((all) =>
      all.map((traits, i) => ({
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: `n${i}`, labels: { ...traits.labels, ...(traits.named ? { [hostname]: `n${i}` } : {}) } },
        spec: present({ taints: traits.taints, unschedulable: traits.unschedulable }),
        status: {
          allocatable: present({
            cpu: traits.cpu,
            memory: traits.memory,
            pods: traits.pods,
            "ephemeral-storage": traits.storage,
            [gpu]: traits.gpus,
            "hugepages-2Mi": traits.hugepages,
          }),
          images: traits.images.map(([name, size]) => ({ names: [name], sizeBytes: size * 1024 * 1024 })),
        },
      })),
    ) as fc.Arbitrary<Node[]>;
