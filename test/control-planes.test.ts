import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianEtcd, etcdctl, portsFor, StoreCluster } from "./store-cluster.ts";
import { TestCluster } from "./support/cluster.ts";

describe("two API servers, schedulers and controller managers on one store", () => {
  const cluster = new TestCluster();
  beforeAll(async () => {
    await cluster.up("--nodes", "1", "--members", "1", "--control-planes", "2");
  }, 90_000);
  afterAll(() => cluster.remove(), 60_000);

  test("killing one of each is not noticed by a client", async () => {
    const victims = await Promise.all(
      ["apiserver-1", "scheduler-1", "controller-manager-1"].map((name) => cluster.pidOf(name)),
    );
    let acknowledged = 0;
    const failures: string[] = [];
    for (let index = 0; index < 30; index++) {
      if (index === 10) for (const pid of victims) process.kill(pid, "SIGKILL");
      const args = ["create", "configmap", `entry-${index}`, `--from-literal=index=${index}`];
      const { code, stderr } = await cluster.tryKubectl(args);
      if (code === 0) acknowledged += 1;
      else failures.push(stderr);
    }
    expect(failures).toEqual([]);
    const { items } = await cluster.get<{ items: { metadata: { name: string } }[] }>("configmaps");
    expect(items.filter(({ metadata }) => metadata.name.startsWith("entry-"))).toHaveLength(acknowledged);
  }, 60_000);

  test("whichever of each pair leads, pods are made and scheduled", async () => {
    await cluster.kubectl("create", "deployment", "web", "--image=host", "--replicas=2", "--", "sleep", "1000");
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s");
  }, 70_000);

  test("a pod reaches the API by the Service's address, with its own token", async () => {
    const script = [
      "cd /var/run/secrets/kubernetes.io/serviceaccount",
      'curl -sS --cacert ca.crt -H "Authorization: Bearer $(cat token)" https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/version',
    ].join(" && ");
    await cluster.kubectl("run", "caller", "--image=host", "--restart=Never", "--command", "--", "sh", "-c", script);
    await cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/caller", "--timeout=30s");
    expect(JSON.parse(await cluster.kubectl("logs", "caller"))).toMatchObject({ major: "1", minor: "33" });
  }, 60_000);

  test("a Secret's value is not in the store in the clear", async () => {
    await cluster.kubectl("create", "secret", "generic", "login", "--from-literal=password=correct-horse");
    const stored = await cluster.etcdctl("get", "/registry/secrets/default/login", "--print-value-only");
    expect(stored.startsWith("k8s:enc:aesgcm:v1:key-1:")).toBe(true);
    expect(stored).not.toContain(Buffer.from("correct-horse").toString("base64"));
  });
});

describe("a control plane on an etcd of one's own", () => {
  const etcd = new StoreCluster(debianEtcd, portsFor(5), 1);
  const cluster = new TestCluster();
  beforeAll(async () => {
    await etcd.start();
    await cluster.up("--nodes", "1", "--etcd-servers", etcd.endpoints);
  }, 90_000);
  afterAll(async () => {
    await cluster.remove();
    await etcd.remove();
  }, 60_000);

  test("has no members, and runs pods", async () => {
    const { components } = await cluster.status();
    const names = components.map(({ name }) => name);
    expect(names).toEqual(["apiserver", "controller-manager", "scheduler", "node-1", "ingress"]);
    await cluster.kubectl("create", "deployment", "web", "--image=host", "--", "sleep", "1000");
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s");
    const { stdout } = await etcdctl(etcd.endpoints, ["get", "/registry/deployments/", "--prefix", "--keys-only"]);
    expect(stdout).toContain("/registry/deployments/default/web");
  }, 90_000);
});
