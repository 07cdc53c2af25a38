import { expect, test } from "vitest";
import { exponentialBounds } from "./instruments.ts";
import { Registry } from "./registry.ts";

test("each kind of metric as Prometheus reads it, in the order of the names", () => {
  const registry = new Registry();
  registry.counter("b_total", "What happened.").value += 2;
  registry.gauge("a", "A line\nand a \\ in it.").value = 0.5;
  const calls = registry.counters("calls_total", "Calls.", ["method", "code"]);
  calls.with("Put", "OK").value++;
  calls.with("Put", "OK").value++;
  calls.with('say "x"\n', "a\\b").value++;
  const seconds = registry.histogram("seconds", "How long.", exponentialBounds(0.001, 2, 3));
  for (const value of [0.0005, 0.001, 0.003, 9]) seconds.observe(value);
  registry.read("z", "gauge", "Asked for.", () => 1e-9);
  registry.read("s", "summary", "With parts.", () => [
    { labels: { quantile: "0.5" }, value: 1 },
    { suffix: "_count", value: 2 },
  ]);
  expect(registry.text()).toBe(`# HELP a A line\\nand a \\\\ in it.
# TYPE a gauge
a 0.5
# HELP b_total What happened.
# TYPE b_total counter
b_total 2
# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{code="OK",method="Put"} 2
calls_total{code="a\\\\b",method="say \\"x\\"\\n"} 1
# HELP s With parts.
# TYPE s summary
s{quantile="0.5"} 1
s_count 2
# HELP seconds How long.
# TYPE seconds histogram
seconds_bucket{le="0.001"} 2
seconds_bucket{le="0.002"} 2
seconds_bucket{le="0.004"} 3
seconds_bucket{le="+Inf"} 4
seconds_sum 9.0045
seconds_count 4
# HELP z Asked for.
# TYPE z gauge
z 1e-09
`);
});

test("a family without members says nothing; one question may answer for several metrics", () => {
  const registry = new Registry();
  registry.counters("silent_total", "Never.", ["why"]);
  expect(registry.text()).toBe("");
  let looks = 0;
  registry.beforeLook(() => {
    looks++;
  });
  registry.read("a", "gauge", "A.", () => looks);
  registry.read("b", "gauge", "B.", () => looks);
  registry.text();
  expect(registry.text()).toMatch(/^a 2\n[\s\S]*^b 2\n/m);
});
