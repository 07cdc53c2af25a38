import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { change, type KernelRoutes, kernelRoutes, leftBehind } from "./kernel-routes.ts";

const node = fc.integer({ min: 11, max: 14 }).map((last) => `172.30.0.${last}`);
const address = fc.integer({ min: 1, max: 4 }).map((last) => `172.30.200.${last}`);
const cidr = fc.integer({ min: 0, max: 3 }).map((third) => `10.244.${third}.0/24`);
const routes = fc.record({
  pods: fc.array(fc.tuple(cidr, node)).map((pairs) => new Map(pairs)),
  balanced: fc
    .array(
      fc.tuple(
        address,
        fc.uniqueArray(node).map((nodes) => nodes.sort()),
      ),
    )
    .map((pairs) => new Map(pairs)),
});

/** What `ip route` and `ip nexthop` say in a fresh network namespace after each of the steps. */
function inKernel(steps: readonly (readonly string[])[]): { readonly routes: string; readonly nexthops: string }[] {
  const script = [
    "ip link set lo up; ip link add eth0 type veth peer name other; ip link set other up",
    "ip address add 172.30.0.3/16 dev eth0; ip link set eth0 up",
    ...steps.map((lines) => {
      const batch = lines.length === 0 ? ":" : `ip -batch - <<'END'\n${lines.join("\n")}\nEND`;
      return `${batch}\nip -json route show; echo; ip -json nexthop show; echo; echo ----`;
    }),
  ].join("\n");
  const output = execFileSync("unshare", ["--net", "/bin/sh", "-ec", script], { encoding: "utf8" });
  return output
    .split("----\n")
    .slice(0, -1)
    .map((part) => {
      const [first = "", second = ""] = part.split("\n").filter((line) => line !== "");
      return { routes: first, nexthops: second };
    });
}

const keys = (objects: KernelRoutes) => [...objects.keys()].sort();

it("whatever was routed before, the kernel then has exactly what is wanted", () => {
  fc.assert(
    fc.property(fc.array(routes, { minLength: 1, maxLength: 6 }), (states) => {
      const wanted = states.map((state) => kernelRoutes(state, "eth0"));
      const steps = wanted.map((to, i) => change(wanted[i - 1] ?? new Map(), to));
      inKernel(steps).forEach(({ routes: listed, nexthops }, i) => {
        expect(keys(leftBehind(listed, nexthops))).toEqual(keys(wanted[i] as KernelRoutes));
      });
    }),
    { numRuns: 25 },
  );
});

it("an edge that starts again takes over what the one before it left", () => {
  const before = kernelRoutes(
    {
      pods: new Map([["10.244.0.0/24", "172.30.0.11"]]),
      balanced: new Map([
        ["172.30.200.1", ["172.30.0.11"]],
        ["172.30.200.2", []],
      ]),
    },
    "eth0",
  );
  const [state] = inKernel([change(new Map(), before)]);
  const found = leftBehind(state?.routes ?? "", state?.nexthops ?? "");
  const now = kernelRoutes({ pods: new Map([["10.244.0.0/24", "172.30.0.12"]]), balanced: new Map() }, "eth0");
  const [, after] = inKernel([change(new Map(), before), change(found, now)]);
  expect(keys(leftBehind(after?.routes ?? "", after?.nexthops ?? ""))).toEqual(["route 10.244.0.0/24"]);
  expect(after?.routes).toContain("172.30.0.12");
});

it("what did not change is not touched: a flow keeps its node", () => {
  const state = {
    pods: new Map<string, string>(),
    balanced: new Map([["172.30.200.1", ["172.30.0.11", "172.30.0.12"]]]),
  };
  const more = { ...state, pods: new Map([["10.244.5.0/24", "172.30.0.15"]]) };
  expect(change(kernelRoutes(state, "eth0"), kernelRoutes(more, "eth0"))).toEqual([
    "route replace 10.244.5.0/24 via 172.30.0.15 dev eth0",
  ]);
});
