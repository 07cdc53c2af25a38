import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Ingress, IngressClass } from "../../controlplane/api/mod.ts";
import { hostOf } from "./host-table.ts";
import { PathRules, type PathType } from "./path-rules.ts";
import { RoutingTable } from "./routing.ts";

const controller = "flotilla.dev/ingress";

interface Rule {
  readonly host?: string;
  readonly path?: string;
  readonly type?: PathType | "ImplementationSpecific";
  readonly to: string;
}

function ingress(name: string, second: number, rules: readonly Rule[], more: Partial<Ingress["spec"]> = {}): Ingress {
  const creationTimestamp = new Date(Date.UTC(2030, 0, 1, 0, 0, second)).toISOString();
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name, namespace: "shop", creationTimestamp },
    spec: {
      ingressClassName: "flotilla",
      rules: rules.map(({ host, path = "/", type = "Prefix", to }) => ({
        host,
        http: { paths: [{ path, pathType: type, backend: { service: { name: to, port: { number: 80 } } } }] },
      })),
      ...more,
    },
  };
}

function ingressClass(name: string, controllerName: string, annotations: Record<string, string> = {}): IngressClass {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IngressClass",
    metadata: { name, annotations },
    spec: { controller: controllerName },
  };
}

function table(ingresses: readonly Ingress[], classes = [ingressClass("flotilla", controller)]) {
  const made = new RoutingTable({ ingresses, classes, services: [], slices: [] }, controller);
  return (host: string, path: string) => made.match(host, path)?.name.replace(/^shop\/(.*):80$/, "$1");
}

describe("hosts", () => {
  const to = table([
    ingress("all", 1, [
      { to: "any" },
      { host: "*.example.com", to: "wildcard" },
      { host: "a.example.com", path: "/only", to: "exact" },
    ]),
  ]);

  it("prefer the exact name, then one label for the star, then the empty host", () => {
    expect(to("a.example.com", "/only")).toBe("exact");
    expect(to("b.example.com", "/only")).toBe("wildcard");
    expect(to("x.b.example.com", "/only")).toBe("any");
    expect(to("example.com", "/only")).toBe("any");
    expect(to("", "/")).toBe("any");
  });

  it("fall back to a less specific host when no path of the better one matches", () => {
    expect(to("a.example.com", "/other")).toBe("wildcard");
  });

  it("are compared in lower case, without port and final dot", () => {
    expect(hostOf("A.Example.COM:8443")).toBe("a.example.com");
    expect(hostOf("a.example.com.")).toBe("a.example.com");
    expect(hostOf("[::1]:80")).toBe("[::1]");
    expect(hostOf(undefined)).toBe("");
  });
});

describe("paths", () => {
  it.each([
    ["Prefix", "/", "/anything", true],
    ["Prefix", "/foo", "/foo", true],
    ["Prefix", "/foo", "/foo/", true],
    ["Prefix", "/foo/", "/foo", true],
    ["Prefix", "/foo/", "/foo/bar", true],
    ["Prefix", "/foo", "/foobar", false],
    ["Prefix", "/aaa/bb", "/aaa/bbb", false],
    ["Prefix", "/foo", "/FOO", false],
    ["ImplementationSpecific", "/foo", "/foo/bar", true],
    ["Exact", "/foo", "/foo", true],
    ["Exact", "/foo", "/foo/", false],
    ["Exact", "/foo/", "/foo", false],
    ["Exact", "/foo", "/Foo", false],
  ] as const)("%s %s and a request for %s: %s", (type, path, request, matches) => {
    expect(table([ingress("one", 1, [{ path, type, to: "it" }])])("h", request)).toBe(matches ? "it" : undefined);
  });

  it("win by length, then exact over prefix", () => {
    const to = table([
      ingress("one", 1, [
        { path: "/", to: "root" },
        { path: "/a", to: "a" },
        { path: "/a/b", to: "prefix" },
        { path: "/a/b", type: "Exact", to: "exact" },
      ]),
    ]);
    expect(["/", "/x", "/a/x", "/a/b", "/a/b/c"].map((path) => to("h", path))).toEqual([
      "root",
      "root",
      "a",
      "exact",
      "prefix",
    ]);
  });

  it("are found as a look at every rule would find them", () => {
    const segment = fc.constantFrom("a", "b", "ab");
    const path = fc.tuple(fc.array(segment, { maxLength: 4 }), fc.boolean()).map(([parts, slash]) => {
      const joined = `/${parts.join("/")}`;
      return slash && parts.length > 0 ? `${joined}/` : joined;
    });
    const rules = fc.array(fc.record({ type: fc.constantFrom<PathType>("Exact", "Prefix"), path }), { maxLength: 8 });
    fc.assert(
      fc.property(rules, path, (all, request) => {
        const paths = new PathRules<number>();
        for (const [index, rule] of all.entries()) paths.add(rule.type, rule.path, index);
        expect(paths.match(request)).toBe(bySearch(all, request));
      }),
      { numRuns: 500 },
    );
  });
});

/** The rules of Ingress as its documentation words them, one rule after the other. */
function bySearch(rules: readonly { type: PathType; path: string }[], request: string): number | undefined {
  const elements = (path: string) => path.split("/").filter((element) => element !== "");
  let best: { index: number; length: number; exact: boolean } | undefined;
  rules.forEach(({ type, path }, index) => {
    const [wanted, given] = [elements(path), elements(request)];
    const exact = type === "Exact";
    if (exact ? path !== request : !wanted.every((element, i) => element === given[i])) return;
    // An exact path is never shorter than a prefix that matches too, except by the slash that prefixes do not look at.
    const length = wanted.length;
    if (best === undefined || length > best.length || (length === best.length && exact && !best.exact)) {
      best = { index, length, exact };
    }
  });
  return (best as { index: number } | undefined)?.index;
}

describe("default backends", () => {
  const backend = (name: string) => ({ defaultBackend: { service: { name, port: { number: 80 } } } });

  it("take what no rule takes: first that of an Ingress with the host, then the oldest", () => {
    const to = table([
      ingress("young", 3, [{ host: "young.com", path: "/x", to: "x" }], backend("young-default")),
      ingress("old", 1, [], backend("old-default")),
    ]);
    expect(to("young.com", "/x")).toBe("x");
    expect(to("young.com", "/y")).toBe("young-default");
    expect(to("elsewhere.com", "/")).toBe("old-default");
  });

  it("are missing: nobody answers", () => {
    expect(table([ingress("one", 1, [{ host: "a.com", to: "a" }])])("b.com", "/")).toBeUndefined();
  });
});

describe("conflicts", () => {
  it("leave a path with the oldest Ingress, in whatever order they are listed", () => {
    const [old, young] = [ingress("z-old", 1, [{ to: "old" }]), ingress("a-young", 2, [{ to: "young" }])];
    expect(table([old, young])("h", "/")).toBe("old");
    expect(table([young, old])("h", "/")).toBe("old");
  });

  it("of one second are settled by name", () => {
    expect(table([ingress("b", 1, [{ to: "b" }]), ingress("a", 1, [{ to: "a" }])])("h", "/")).toBe("a");
  });
});

describe("classes", () => {
  const nameless = ingress("nameless", 1, [{ to: "it" }], { ingressClassName: undefined });
  const legacy: Ingress = {
    ...nameless,
    metadata: { ...nameless.metadata, annotations: { "kubernetes.io/ingress.class": "flotilla" } },
  };
  const isDefault = { "ingressclass.kubernetes.io/is-default-class": "true" };
  const ours = ingressClass("flotilla", controller);
  const routed = (one: Ingress, classes: IngressClass[]) => table([one], classes)("h", "/") === "it";

  it("are ours by the controller they name", () => {
    expect(routed(ingress("one", 1, [{ to: "it" }]), [ours])).toBe(true);
    expect(routed(ingress("one", 1, [{ to: "it" }]), [ingressClass("flotilla", "other.dev/ingress")])).toBe(false);
    expect(routed(ingress("one", 1, [{ to: "it" }]), [])).toBe(false);
  });

  it("may be named by the old annotation", () => {
    expect(routed(legacy, [ours])).toBe(true);
    expect(routed(legacy, [])).toBe(false);
  });

  it("apply to an Ingress without one only by default", () => {
    expect(routed(nameless, [ours])).toBe(false);
    expect(routed(nameless, [ingressClass("flotilla", controller, isDefault)])).toBe(true);
    expect(routed(nameless, [ours, ingressClass("other", "other.dev/ingress", isDefault)])).toBe(false);
  });
});
