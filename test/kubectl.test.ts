import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { start } from "./support/processes.ts";

const shop = join(import.meta.dirname, "..", "examples", "three-tier");
const cluster = new TestCluster();

beforeAll(() => cluster.up());
afterAll(() => cluster.remove());

const kubectl = (...args: string[]) => cluster.kubectl(...args);

/** The words kubectl puts on standard error when the server says no. */
async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await cluster.tryKubectl(args);
  expect(code, `kubectl ${args.join(" ")} must fail`).not.toBe(0);
  return stderr;
}

describe("the shop in three tiers", () => {
  test("is applied, rolls out, and its customer is served by all three front ends", async () => {
    const applied = await kubectl("apply", "-f", shop);
    expect(applied).toContain("deployment.apps/shop-frontend created");
    expect(applied).toContain("secret/shop-token created");
    expect(await kubectl("rollout", "status", "deployment/shop-backend", "--timeout=60s")).toContain(
      "successfully rolled out",
    );
    expect(await kubectl("rollout", "status", "deployment/shop-frontend", "--timeout=60s")).toContain(
      "successfully rolled out",
    );
    await kubectl("wait", "--for=condition=complete", "job/shop-customer", "--timeout=60s");
    expect(await kubectl("logs", "job/shop-customer")).toContain("30 requests answered by 3 pods");
    expect(await kubectl("apply", "-f", shop)).toMatch(/deployment.apps\/shop-frontend unchanged/);
  });

  test("get in every form", async () => {
    const wide = await kubectl("get", "pods", "-o", "wide", "-l", "tier=frontend");
    expect(wide).toMatch(/NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES/);
    expect(wide.match(/1\/1\s+Running\s+0/g)).toHaveLength(3);
    expect(await kubectl("get", "deployment", "shop-frontend")).toMatch(/shop-frontend\s+3\/3\s+3\s+3\s+\d+/);
    expect(await kubectl("get", "job", "shop-customer")).toMatch(/shop-customer\s+Complete\s+1\/1/);
    expect(await kubectl("get", "service", "shop-frontend")).toMatch(
      /NodePort\s+10\.96\.\d+\.\d+\s+<none>\s+80:3\d{4}\/TCP/,
    );
    expect(await kubectl("get", "deployment", "shop-frontend", "-o", "yaml")).toMatch(
      /^apiVersion: apps\/v1\nkind: Deployment\n/,
    );
    const list = await cluster.get<{ kind: string; items: unknown[] }>("pods", "--field-selector=status.phase=Running");
    expect(list.kind).toBe("List");
    expect(list.items).toHaveLength(4);
    expect(await kubectl("get", "all", "-l", "app=shop")).toMatch(
      /pod\/shop-[\s\S]*service\/shop-[\s\S]*deployment\.apps\/shop-[\s\S]*replicaset\.apps\/shop-[\s\S]*job\.batch\/shop-/,
    );
    expect(await kubectl("get", "pods", "-A", "--sort-by=.metadata.name")).toContain("shop-backend");
  });

  test("get -w shows changes as they happen", async () => {
    const watch = start("kubectl", ["get", "configmaps", "-w", "--output-watch-events"], {
      env: cluster.kubectlEnvironment(),
    });
    let seen = "";
    watch.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk;
    });
    try {
      await eventually("the watch begins", () => seen.includes("shop-settings"));
      await kubectl("create", "configmap", "watched", "--from-literal=a=1");
      await kubectl("delete", "configmap", "watched");
      await eventually("both changes are seen", () => /ADDED\s+watched[\s\S]*DELETED\s+watched/.test(seen));
    } finally {
      watch.kill();
    }
  });

  test("describe tells the story", async () => {
    const pod = (await kubectl("get", "pods", "-l", "tier=frontend", "-o", "name")).split("\n")[0] as string;
    const story = await kubectl("describe", pod);
    for (const event of ["Scheduled", "Pulled", "Created", "Started"])
      expect(story).toMatch(new RegExp(`Normal\\s+${event}`));
    expect(story).toMatch(/Mounts:\n\s+\/code from code/);
    expect(await kubectl("describe", "deployment", "shop-frontend")).toContain("ScalingReplicaSet");
    expect(await kubectl("describe", "node", "node-1")).toMatch(/Ready\s+True[\s\S]*Non-terminated Pods:/);
    expect(await kubectl("describe", "service", "shop-frontend")).toMatch(/Endpoints:\s+10\.244\.\d+\.\d+:8080/);
  });

  test("logs -f follows a container until it ends", async () => {
    await kubectl(
      "run",
      "counter",
      "--image=host",
      "--restart=Never",
      "--",
      "sh",
      "-c",
      "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done",
    );
    await eventually(
      "the pod has begun",
      async () => (await kubectl("get", "pod", "counter")).match(/Running|Completed/) !== null,
    );
    expect(await kubectl("logs", "-f", "counter")).toBe("line 1\nline 2\nline 3\nline 4\nline 5\n");
    expect(await kubectl("logs", "--tail=2", "counter")).toBe("line 4\nline 5\n");
    await kubectl("delete", "pod", "counter", "--wait");
  });

  test("scale, set, rollout history and undo", async () => {
    expect(await kubectl("scale", "deployment/shop-frontend", "--replicas=5")).toBe(
      "deployment.apps/shop-frontend scaled\n",
    );
    await kubectl("rollout", "status", "deployment/shop-frontend", "--timeout=60s");
    expect(await kubectl("get", "deployment", "shop-frontend")).toMatch(/5\/5/);
    await kubectl("set", "env", "deployment/shop-frontend", "SEASON=winter");
    await kubectl("rollout", "status", "deployment/shop-frontend", "--timeout=60s");
    expect(await kubectl("rollout", "history", "deployment/shop-frontend")).toMatch(
      /REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>/,
    );
    expect(await kubectl("rollout", "undo", "deployment/shop-frontend")).toContain("rolled back");
    await kubectl("rollout", "status", "deployment/shop-frontend", "--timeout=60s");
    expect(
      await kubectl(
        "get",
        "deployment",
        "shop-frontend",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].env[*].name}",
      ),
    ).toBe("POD_NAME");
    expect(await kubectl("rollout", "history", "deployment/shop-frontend")).toMatch(/\n2\s+<none>\n3\s+<none>/);
  });

  test("label, annotate and the three kinds of patch", async () => {
    expect(await kubectl("label", "deployment", "shop-backend", "season=summer")).toContain("labeled");
    expect(await kubectl("get", "deployments", "-l", "season=summer", "-o", "name")).toBe(
      "deployment.apps/shop-backend\n",
    );
    expect(await refusal("label", "deployment", "shop-backend", "season=winter")).toContain(
      "already has a value (summer)",
    );
    expect(await kubectl("annotate", "deployment", "shop-backend", "note=hello")).toContain("annotated");
    const container =
      '{"spec":{"template":{"spec":{"containers":[{"name":"backend","env":[{"name":"EXTRA","value":"1"}]}]}}}}';
    await kubectl("patch", "deployment", "shop-backend", "--type=strategic", "-p", container);
    const env = await kubectl(
      "get",
      "deployment",
      "shop-backend",
      "-o",
      "jsonpath={.spec.template.spec.containers[0].env[*].name}",
    );
    expect(env.split(" ").sort()).toEqual(["EXTRA", "PORT", "POD_NAME", "TOKEN"].sort());
    await kubectl("patch", "configmap", "shop-settings", "--type=merge", "-p", '{"data":{"greeting":"Moin"}}');
    expect(await kubectl("get", "configmap", "shop-settings", "-o", "jsonpath={.data.greeting}")).toBe("Moin");
    await kubectl(
      "patch",
      "configmap",
      "shop-settings",
      "--type=json",
      "-p",
      '[{"op":"replace","path":"/data/greeting","value":"Servus"}]',
    );
    expect(await kubectl("get", "configmap", "shop-settings", "-o", "jsonpath={.data.greeting}")).toBe("Servus");
  });
});

describe("create, delete and questions", () => {
  test("create: configmap, secret, namespace, deployment, job", async () => {
    expect(await kubectl("create", "namespace", "workshop")).toBe("namespace/workshop created\n");
    expect(await kubectl("-n", "workshop", "create", "configmap", "c", "--from-literal=k=v")).toBe(
      "configmap/c created\n",
    );
    expect(await kubectl("-n", "workshop", "create", "secret", "generic", "s", "--from-literal=k=v")).toBe(
      "secret/s created\n",
    );
    expect(
      await kubectl(
        "-n",
        "workshop",
        "create",
        "deployment",
        "d",
        "--image=host",
        "--replicas=2",
        "--",
        "sleep",
        "1000",
      ),
    ).toBe("deployment.apps/d created\n");
    expect(await kubectl("-n", "workshop", "create", "job", "j", "--image=host", "--", "true")).toBe(
      "job.batch/j created\n",
    );
    await kubectl("-n", "workshop", "wait", "--for=condition=complete", "job/j", "--timeout=30s");
    await kubectl("-n", "workshop", "rollout", "status", "deployment/d", "--timeout=30s");
    expect(await kubectl("-n", "workshop", "get", "secret", "s", "-o", "jsonpath={.data.k}")).toBe("dg==");
  });

  test("delete, and delete namespace with all that is in it", async () => {
    expect(await kubectl("-n", "workshop", "delete", "configmap", "c")).toBe('configmap "c" deleted\n');
    expect(await kubectl("delete", "namespace", "workshop", "--timeout=60s")).toBe('namespace "workshop" deleted\n');
    expect(await refusal("get", "namespace", "workshop")).toContain('namespaces "workshop" not found');
    await eventually(
      "no pod of it is left",
      async () => (await kubectl("get", "pods", "-A", "-o", "name")).includes("pod/d-") === false,
    );
  });

  test("auth can-i, api-resources, explain, version", async () => {
    expect(await kubectl("auth", "can-i", "create", "pods")).toBe("yes\n");
    const { stdout } = await cluster.tryKubectl(["auth", "can-i", "create", "pods", "--as=nobody"]);
    expect(stdout).toBe("no\n");
    const resources = await kubectl("api-resources");
    expect(resources).toMatch(/deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
    expect(resources).toMatch(/nodes\s+no\s+v1\s+false\s+Node/);
    expect(await kubectl("explain", "deployment.spec.replicas")).toMatch(/FIELD: replicas <integer>/);
    expect(await kubectl("version")).toMatch(/Server Version: v1\.33/);
    expect(await kubectl("cluster-info")).toContain("is running at");
  });
});

describe("what bad input gets", () => {
  const manifest = (text: string) => cluster.tryKubectl(["apply", "-f", "-"], { input: text });
  const pod = (name: string, spec: string) => `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  const cases: [what: string, manifest: string, message: RegExp][] = [
    [
      "an unknown field",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replica: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: host}]}}}",
      /strict decoding error: unknown field "spec\.replica"/,
    ],
    [
      "a wrong type",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: many, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: host}]}}}",
      /cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32/,
    ],
    [
      "an invalid name",
      pod("Upper_Case", "{containers: [{name: c, image: host}]}"),
      /The Pod "Upper_Case" is invalid: metadata\.name: Invalid value: "Upper_Case": a lowercase RFC 1123 subdomain must consist of/,
    ],
    [
      "a missing part",
      pod("x", "{containers: [{name: c}]}"),
      /The Pod "x" is invalid: spec\.containers\[0\]\.image: Required value/,
    ],
    [
      "an unsupported value",
      pod("x", "{restartPolicy: Sometimes, containers: [{name: c, image: host}]}"),
      /spec\.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"|spec\.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"/,
    ],
    [
      "a missing namespace",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: nowhere}",
      /namespaces "nowhere" not found/,
    ],
    [
      "an unknown kind",
      "apiVersion: v1\nkind: Podd\nmetadata: {name: x}",
      /no matches for kind "Podd" in version "v1"/,
    ],
  ];
  test.each(cases)("%s: the message Kubernetes gives, and nothing written", async (_, text, message) => {
    const { code, stderr } = await manifest(text);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    for (const kind of ["pods", "deployments", "configmaps"]) {
      expect(await kubectl("get", kind, "-A", "-o", "name")).not.toMatch(/\/x$/m);
    }
  });

  test("a conflict: a replace with an old version is refused and changes nothing", async () => {
    await kubectl("create", "configmap", "contested", "--from-literal=a=1");
    const old = await kubectl("get", "configmap", "contested", "-o", "json");
    await kubectl("label", "configmap", "contested", "touched=yes");
    const { code, stderr } = await cluster.tryKubectl(["replace", "-f", "-"], {
      input: old.replace('"a": "1"', '"a": "2"'),
    });
    expect(code).toBe(1);
    expect(stderr).toContain(
      'Operation cannot be fulfilled on configmaps "contested": the object has been modified; please apply your changes to the latest version and try again',
    );
    expect(await kubectl("get", "configmap", "contested", "-o", "jsonpath={.data.a}")).toBe("1");
  });

  test("a forbidden verb names user, verb, resource and namespace", async () => {
    expect(await refusal("get", "secrets", "--as=eve")).toContain(
      'secrets is forbidden: User "eve" cannot list resource "secrets" in API group "" in the namespace "default"',
    );
  });

  test("an unknown image and a failing command wait with the reasons users know", async () => {
    await kubectl("run", "no-image", "--image=registry.invalid/none:1");
    await kubectl("run", "fails", "--image=host", "--", "sh", "-c", "exit 3");
    const waits = (line: RegExp) =>
      eventually(String(line), async () => {
        const pods = await kubectl("get", "pods");
        if (!line.test(pods)) throw new Error(pods);
        return true;
      });
    await waits(/no-image\s+0\/1\s+(ErrImagePull|ImagePullBackOff)/);
    await waits(/fails\s+0\/1\s+CrashLoopBackOff\s+[1-9]/);
    const status = await cluster.get<{
      status: { containerStatuses: { lastState: { terminated: { exitCode: number; reason: string } } }[] };
    }>("pod", "fails");
    expect(status.status.containerStatuses[0]?.lastState.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
    await kubectl("delete", "pod", "no-image", "fails", "--grace-period=1");
  });

  test("garbage on the API port does not end the server", async () => {
    const before = await cluster.pidOf("apiserver");
    const where = new URL((await cluster.status()).components.find(({ name }) => name === "apiserver")?.where ?? "");
    const { connect } = await import("node:net");
    for (const garbage of ["\0\0\0\0garbage\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"]) {
      const socket = connect(Number(where.port), "127.0.0.1");
      socket.on("error", () => undefined);
      socket.end(garbage);
      await new Promise((resolve) => socket.once("close", resolve));
    }
    await delay(0);
    expect(await kubectl("get", "--raw", "/readyz")).toBe("ok");
    expect(await cluster.pidOf("apiserver")).toBe(before);
  });
});
