import { expect, test } from "vitest";
import { container, pod } from "./pod.testing.ts";
import { victimsFor } from "./preempt.ts";
import { podRequests } from "./resources.ts";

const asking = (name: string, cpu: string, limits = false) =>
  pod(
    {
      containers: [
        container("main", {
          resources: { requests: { cpu, memory: "1Mi" }, ...(limits && { limits: { cpu, memory: "1Mi" } }) },
        }),
      ],
    },
    { name, uid: name },
  );
const critical = pod({ priority: 2_000_000_000 });
const fitsIn = (milli: number) => (others: readonly ReturnType<typeof pod>[]) =>
  others.reduce((sum, other) => sum + podRequests(other).cpu, 0) <= milli;
const names = (victims: readonly ReturnType<typeof pod>[] | undefined) => victims?.map(({ metadata }) => metadata.name);

test("who was promised least goes first, and nobody goes in vain", () => {
  const others = [asking("guaranteed", "500m", true), asking("small", "100m"), asking("large", "400m")];
  // Without the large one there is room: the small one, looked at first, may stay.
  expect(names(victimsFor(critical, others, fitsIn(600)))).toEqual(["large"]);
  expect(names(victimsFor(critical, others, fitsIn(1000)))).toEqual([]);
});

test("other critical pods stay, even when nothing else can make room", () => {
  const others = [{ ...asking("system", "900m"), spec: { ...asking("system", "900m").spec, priority: 2_000_000_000 } }];
  expect(victimsFor(critical, others, fitsIn(500))).toBeUndefined();
});
