import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findResource } from "../resources/served.ts";
import type { Pod } from "../types/core/pod.ts";
import { parseFieldSelector } from "./field-selector.ts";
import { formatSelector, fromLabelSelector, matchesLabels, selects } from "./label-selector.ts";
import { parseLabelSelector } from "./parse-label-selector.ts";

function matches(text: string, labels: Record<string, string>): boolean {
  const result = parseLabelSelector(text);
  if (!result.ok) throw new Error(result.message);
  return matchesLabels(result.selector, labels);
}

describe("label selectors", () => {
  test.each<[string, Record<string, string>, boolean]>([
    ["", {}, true],
    ["app=web", { app: "web" }, true],
    ["app==web,tier", { app: "web" }, false],
    ["!legacy", { app: "web" }, true],
    ["app!=web", {}, true],
    ["app notin (web, api)", {}, true],
    ["app in (web, api)", { app: "api" }, true],
    ["app in ()", { app: "" }, true],
    ["app=", { app: "" }, true],
    ["cores>3", { cores: "4" }, true],
    ["cores>3", { cores: "many" }, false],
    ["cores<3", {}, false],
    ["in in (in)", { in: "in" }, true],
    [" app = web , example.com/tier in( a,b ) ", { app: "web", "example.com/tier": "b" }, true],
    ["constructor", {}, false],
  ])("%j on %j: %s", (selector, labels, expected) => expect(matches(selector, labels)).toBe(expected));

  test.each([
    ["a,,b", "found ',', expected: identifier after ','"],
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["=", "found '=', expected: !, identifier, or 'end of string'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a in x", "unable to parse requirement: found 'x' expected: '('"],
    ["a in (x", "unable to parse requirement: found '', expected: ',' or ')'"],
    [
      "a>x",
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
  ])("%j is refused: %s", (selector, message) => {
    expect(parseLabelSelector(selector)).toEqual({ ok: false, message });
  });

  test("an absent selector chooses nothing, an empty one everything", () => {
    expect(selects(undefined, { app: "web" })).toBe(false);
    expect(selects({}, { app: "web" })).toBe(true);
  });

  test("what is printed reads back as the same selector", () => {
    const word = fc.stringMatching(/^[a-z]([a-z0-9]{0,5}[a-z0-9])?$/);
    const requirement = fc.record({
      key: word,
      operator: fc.constantFrom("In" as const, "NotIn" as const, "Exists" as const, "DoesNotExist" as const),
      values: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 4 }), fc.dictionary(word, word), (requirements, labels) => {
        const matchExpressions = requirements.map((r) =>
          r.operator === "Exists" || r.operator === "DoesNotExist" ? { ...r, values: [] } : r,
        );
        const made = fromLabelSelector({ matchExpressions });
        if (!made.ok) throw new Error(made.message);
        const printed = formatSelector(made.selector);
        const read = parseLabelSelector(printed);
        if (!read.ok) throw new Error(read.message);
        expect(formatSelector(read.selector)).toBe(printed);
        expect(matchesLabels(read.selector, labels)).toBe(matchesLabels(made.selector, labels));
      }),
    );
  });
});

describe("field selectors", () => {
  const pods = findResource("", "v1", "pods")!;
  const configMaps = findResource("", "v1", "configmaps")!;
  const pod: Pod = {
    metadata: { name: "web-1", namespace: "demo" },
    spec: { containers: [], nodeName: "a" },
    status: { phase: "Running" },
  };

  test.each<[string, boolean]>([
    ["", true],
    ["spec.nodeName=a,status.phase!=Failed", true],
    ["spec.nodeName==b", false],
    ["metadata.name=web-1,metadata.namespace=demo", true],
    ["status.podIP=", true],
  ])("%j: %s", (text, expected) => {
    const result = parseFieldSelector(text, pods);
    expect(result.ok && result.selector.matches(pod)).toBe(expected);
  });

  test("which fields there are depends on the kind, and so do the words of the refusal", () => {
    expect(parseFieldSelector("spec.color=red", pods)).toEqual({
      ok: false,
      message: "field label not supported: spec.color",
    });
    expect(parseFieldSelector("data=x", configMaps)).toEqual({
      ok: false,
      message: '"data" is not a known field selector: only "metadata.name", "metadata.namespace"',
    });
  });

  test("commas and equals signs in values are escaped", () => {
    const named = { ...pod, metadata: { name: "a,b=c" } };
    const result = parseFieldSelector("metadata.name=a\\,b\\=c", pods);
    expect(result.ok && result.selector.matches(named)).toBe(true);
    expect(parseFieldSelector("metadata.name=a=b", pods).ok).toBe(false);
  });

  test("a name that is demanded can be looked up instead of searched for", () => {
    const result = parseFieldSelector("metadata.name=web-1", pods);
    expect(result.ok && result.selector.required("metadata.name")).toBe("web-1");
  });
});
