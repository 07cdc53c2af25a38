import { describe, expect, test } from "vitest";
import type { Node, Pod } from "../../../controlplane/api/mod.ts";
import { admit } from "./admit.ts";
import { podDns } from "./dns-config.ts";
import { hostsFile, podHostname, sandboxHostname } from "./hosts-file.ts";
import { container, pod } from "./pod.testing.ts";
import { qosClass } from "./qos.ts";
import { cpuQuota, cpuShares, oomScoreAdjust, podRequests } from "./resources.ts";

const asking = (resources: NonNullable<Pod["spec"]["containers"][number]["resources"]>) =>
  pod({ containers: [container("main", { resources })] });

describe("quality of service", () => {
  test.each([
    [{}, "BestEffort"],
    [{ requests: { cpu: "1" } }, "Burstable"],
    [{ limits: { cpu: "1" } }, "Burstable"],
    [{ limits: { cpu: "1", memory: "1Gi" } }, "Guaranteed"],
    [{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1000m", memory: "1Gi" } }, "Guaranteed"],
    [{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } }, "Burstable"],
  ])("%j is %s", (resources, expected) => {
    expect(qosClass(asking(resources))).toBe(expected);
  });
});

test("shares, quota and score follow the original's formulas", () => {
  expect([cpuShares(0), cpuShares(100), cpuShares(1000), cpuShares(10_000_000)]).toEqual([2, 102, 1024, 262_144]);
  expect([cpuQuota(1), cpuQuota(200)]).toEqual([1000, 20_000]);
  const gib = 2 ** 30;
  expect(oomScoreAdjust("Burstable", gib, 4 * gib, 0)).toBe(750);
  expect(oomScoreAdjust("Burstable", 4 * gib, 4 * gib, 0)).toBe(3);
  expect(oomScoreAdjust("BestEffort", 0, gib, 0)).toBe(1000);
  expect(oomScoreAdjust("BestEffort", 0, gib, 2_000_001_000)).toBe(-997);
});

test("a pod asks for the most that runs at once, sidecars included", () => {
  const cpu = (name: string, amount: string, change = {}) =>
    container(name, { resources: { requests: { cpu: amount } }, ...change });
  const wanted = pod({
    initContainers: [cpu("side", "100m", { restartPolicy: "Always" }), cpu("big", "900m")],
    containers: [cpu("a", "200m"), cpu("b", "300m")],
  });
  expect(podRequests(wanted).cpu).toBe(1000);
});

describe("admission", () => {
  const node: Node = {
    metadata: { name: "n1", labels: { zone: "a", "kubernetes.io/os": "linux" } },
    spec: {},
    status: { allocatable: { cpu: "2", memory: "4Gi", pods: "2" } },
  };

  test("refuses what does not fit, and says how much", () => {
    const taken = [asking({ requests: { cpu: "1500m" } })];
    expect(admit(asking({ requests: { cpu: "500m" } }), node, taken)).toBeUndefined();
    expect(admit(asking({ requests: { cpu: "600m" } }), node, taken)).toEqual({
      reason: "OutOfcpu",
      message: "Node didn't have enough resource: cpu, requested: 600, used: 1500, capacity: 2000",
    });
    expect(admit(pod(), node, [pod(), pod()])?.reason).toBe("OutOfpods");
  });

  test("refuses pods of another place or system", () => {
    expect(admit(pod({ nodeSelector: { zone: "b" } }), node, [])?.reason).toBe("NodeAffinity");
    expect(admit(pod({ os: { name: "windows" } }), node, [])?.reason).toBe("PodOSNotSupported");
    const near = (values: string[]) => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In" as const, values }] }],
        },
      },
    });
    expect(admit(pod({ affinity: near(["a", "c"]) }), node, [])).toBeUndefined();
    expect(admit(pod({ affinity: near(["c"]) }), node, [])?.reason).toBe("NodeAffinity");
  });
});

describe("admission of ports, kernel parameters and taints", () => {
  const node: Node = { metadata: { name: "n1" }, spec: {}, status: { allocatable: { cpu: "2", pods: "9" } } };
  const onPort = (hostPort: number, hostIP = "", protocol: "TCP" | "UDP" = "TCP") =>
    pod({ containers: [container("main", { ports: [{ containerPort: 80, hostPort, hostIP, protocol }] })] });

  test("a port of the node belongs to one pod", () => {
    const others = [onPort(8080, "172.30.0.11")];
    expect(admit(onPort(8080), node, others)?.reason).toBe("NodePorts");
    expect(admit(onPort(8080, "127.0.0.1"), node, others)).toBeUndefined();
    expect(admit(onPort(8080, "", "UDP"), node, others)).toBeUndefined();
    expect(admit(onPort(8081), node, others)).toBeUndefined();
  });

  test("only parameters of a namespace may be set", () => {
    const setting = (name: string, spec: Partial<Pod["spec"]> = {}) =>
      pod({ securityContext: { sysctls: [{ name, value: "1" }] }, ...spec });
    expect(admit(setting("net.ipv4.tcp_syncookies"), node, [])).toBeUndefined();
    expect(admit(setting("net.ipv4.tcp_syncookies", { hostNetwork: true }), node, [])?.reason).toBe("SysctlForbidden");
    expect(admit(setting("vm.swappiness"), node, [])).toEqual({
      reason: "SysctlForbidden",
      message: 'forbidden sysctl: "vm.swappiness" not allowlisted',
    });
  });

  test("who would be driven out at once is not let in", () => {
    const tainted: Node = { ...node, spec: { taints: [{ key: "gone", effect: "NoExecute" }] } };
    expect(admit(pod(), tainted, [])?.reason).toBe("TaintToleration");
    expect(admit(pod({ tolerations: [{ operator: "Exists" }] }), tainted, [])).toBeUndefined();
  });
});

describe("names and resolvers", () => {
  test("a host name may be that of the DNS, if it is short enough", () => {
    const named = (hostname: string) => pod({ hostname, subdomain: "db", setHostnameAsFQDN: true });
    expect(sandboxHostname(named("db-0"), "cluster.local")).toBe("db-0.db.default.svc.cluster.local");
    expect(() => sandboxHostname(named("d".repeat(40)), "cluster.local")).toThrow(/is too long \(64 is the max, 69/);
  });

  const cluster = { servers: ["10.96.0.10"], domain: "cluster.local" };
  const host = "# comment\nnameserver 192.0.2.1\nsearch example.com\noptions timeout:1\n";

  test("ClusterFirst asks the cluster and searches its namespace first", () => {
    expect(podDns(pod(), cluster, host)).toEqual({
      servers: ["10.96.0.10"],
      searches: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com"],
      options: ["ndots:5"],
    });
  });

  test("Default, None, host network and dnsConfig", () => {
    const own = { servers: ["192.0.2.1"], searches: ["example.com"], options: ["timeout:1"] };
    expect(podDns(pod({ dnsPolicy: "Default" }), cluster, host)).toEqual(own);
    expect(podDns(pod({ hostNetwork: true }), cluster, host)).toEqual(own);
    const dnsConfig = {
      nameservers: ["1.1.1.1"],
      searches: ["x.test"],
      options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
    };
    expect(podDns(pod({ dnsPolicy: "None", dnsConfig }), cluster, host)).toEqual({
      servers: ["1.1.1.1"],
      searches: ["x.test"],
      options: ["ndots:2", "edns0"],
    });
    expect(podDns(pod({ dnsConfig }), cluster, host)).toMatchObject({
      servers: ["10.96.0.10", "1.1.1.1"],
      options: ["ndots:2", "edns0"],
    });
  });

  test("/etc/hosts knows the pod by its name, its domain and its aliases", () => {
    const wanted = pod({ hostname: "db-0", subdomain: "db", hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }] });
    const text = hostsFile(wanted, "10.244.1.2", "cluster.local", undefined);
    expect(text).toContain("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n");
    expect(text).toContain("10.244.1.2\tdb-0.db.default.svc.cluster.local\tdb-0\n");
    expect(text).toContain("# Entries added by HostAliases.\n1.2.3.4\ta\tb\n");
    expect(podHostname(pod({}, { name: `${"x".repeat(62)}-y` }))).toBe("x".repeat(62));
  });
});
