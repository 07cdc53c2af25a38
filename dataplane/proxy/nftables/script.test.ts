import { describe, expect, test } from "vitest";
import type { ServicePort } from "../service-ports.ts";
import { emptyRuleset, ruleset } from "./ruleset.ts";
import { change } from "./script.ts";

const podNetwork = "10.244.0.0/16";

function port(name: string, backends: number, affinitySeconds?: number): ServicePort {
  const all = Array.from({ length: backends }, (_, i) => ({ address: `10.244.1.${i + 2}`, port: 8080, local: true }));
  return {
    id: `default/${name}/tcp/http`,
    protocol: "TCP",
    clusterIP: "10.96.0.5",
    port: 80,
    nodePort: undefined,
    backends: all,
    externalBackends: all,
    externalLocal: false,
    affinitySeconds,
  };
}

describe("the change from one state of the Services to the next", () => {
  test("is nothing when nothing changed", () => {
    expect(change(ruleset([port("web", 3)], podNetwork), ruleset([port("web", 3)], podNetwork))).toBe("");
  });

  test("touches only the Service that changed", () => {
    const other = { ...port("other", 2), clusterIP: "10.96.0.9" };
    const script = change(ruleset([port("web", 2), other], podNetwork), ruleset([port("web", 3), other], podNetwork));
    expect(script).not.toContain("other");
    expect(script).toContain("numgen random mod 3");
    expect(script).not.toContain("element");
  });

  test("sends connections to a Service that lost its last backend to the reject chain", () => {
    const script = change(ruleset([port("web", 1)], podNetwork), ruleset([port("web", 0)], podNetwork));
    expect(script).toMatch(/delete element ip kube-proxy service-ips \{ 10\.96\.0\.5 \. tcp \. 80/);
    expect(script).toContain(
      "add element ip kube-proxy no-endpoint-services { 10.96.0.5 . tcp . 80 : goto reject-chain }",
    );
  });

  test("deletes chains only after nothing refers to them", () => {
    const lines = change(ruleset([port("web", 2)], podNetwork), emptyRuleset)
      .trimEnd()
      .split("\n");
    const firstDelete = lines.findIndex((line) => line.startsWith("delete chain"));
    expect(firstDelete).toBeGreaterThan(0);
    expect(lines.slice(firstDelete).every((line) => line.startsWith("delete chain"))).toBe(true);
    expect(lines.findIndex((line) => line.startsWith("delete element"))).toBeLessThan(firstDelete);
  });

  test("replaces the set of remembered clients when their time changes", () => {
    const script = change(ruleset([port("web", 1, 10)], podNetwork), ruleset([port("web", 1, 20)], podNetwork));
    expect(script).toMatch(/add set .*affinity-20s-.*timeout 20s/);
    expect(script).toMatch(/delete set .*affinity-10s-/);
  });
});
