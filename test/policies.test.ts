// Budgets, quotas, volumes, certificates, load balancer addresses and autoscalers, as users meet them: real processes, real kubectl.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);
const scratch = mkdtempSync(join(tmpdir(), "policies-"));

beforeAll(() => cluster.up("--members", "1"));
afterAll(async () => {
  await cluster.remove();
  rmSync(scratch, { recursive: true });
});

/** Waits until what is expected holds. */
async function until(expectation: () => Promise<void>): Promise<void> {
  await eventually("what is expected", async () => {
    await expectation();
    return true;
  });
}

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: c, image: host, command: [sleep, "3600"], resources: {requests: {cpu: 10m}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
`;

test("a drain moves the pods of a node without breaking their budget", async () => {
  await cluster.apply(web);
  await kubectl("rollout", "status", "deployment/web", "--timeout=60s");
  await until(async () => {
    const budget = await kubectl(
      "get",
      "pdb",
      "web",
      "-o",
      "jsonpath={.status.disruptionsAllowed}/{.status.expectedPods}",
    );
    expect(budget).toBe("1/4");
  });
  const drained = kubectl("drain", "node-1", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s");
  let fewest = 4;
  let done = false;
  void drained.then(
    () => {
      done = true;
    },
    () => {
      done = true; // told below
    },
  );
  while (!done) {
    const status = await kubectl("get", "deployment", "web", "-o", "jsonpath={.status.availableReplicas}");
    fewest = Math.min(fewest, Number(status || 0));
  }
  expect(await drained).toContain("node/node-1 drained");
  expect(fewest, "at most one at a time").toBeGreaterThanOrEqual(3);
  const nodes = await kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.nodeName}");
  expect(nodes).not.toContain("node-1");
  await kubectl("uncordon", "node-1");
}, 90_000);

test("a budget that allows nothing refuses an eviction with the original's words", async () => {
  await kubectl("patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"maxUnavailable":0}}');
  await until(async () => {
    expect(await kubectl("get", "pdb", "web")).toMatch(/web\s+N\/A\s+0\s+0\s/);
  });
  const { code, stderr } = await cluster.tryKubectl([
    ...["drain", "node-2", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=3s"],
  ]);
  expect(code).not.toBe(0);
  expect(stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
  await kubectl("uncordon", "node-2");
  await kubectl("delete", "pdb", "web");
}, 60_000);

test("a quota counts what there is, and gives back what goes", async () => {
  await kubectl("create", "namespace", "small");
  await kubectl("create", "quota", "q", "-n", "small", "--hard=configmaps=3,count/secrets=1");
  const used = () => kubectl("get", "quota", "q", "-n", "small", "-o", "jsonpath={.status.used.configmaps}");
  await until(async () => expect(await used()).toBe("1")); // kube-root-ca.crt
  await kubectl("create", "configmap", "a", "-n", "small");
  await kubectl("create", "configmap", "b", "-n", "small");
  const { stderr } = await cluster.tryKubectl(["create", "configmap", "c", "-n", "small"]);
  expect(stderr).toContain("exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3");
  await kubectl("delete", "configmap", "a", "-n", "small");
  await until(async () => expect(await used()).toBe("2"));
}, 60_000);

test("a claim is bound to the volume that fits, and the volume outlives it", async () => {
  const volume = (name: string, size: string) => `
apiVersion: v1
kind: PersistentVolume
metadata: {name: ${name}}
spec: {capacity: {storage: ${size}}, accessModes: [ReadWriteOnce], hostPath: {path: /tmp}}
---`;
  await cluster.apply(`${volume("large", "9Gi")}${volume("fitting", "1Gi")}
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: "", accessModes: [ReadWriteOnce], resources: {requests: {storage: 500Mi}}}
`);
  await kubectl("wait", "pvc/data", "--for=jsonpath={.status.phase}=Bound", "--timeout=20s");
  expect(await kubectl("get", "pvc", "data")).toMatch(/data\s+Bound\s+fitting\s+1Gi\s+RWO/);
  await kubectl("delete", "pvc", "data", "--timeout=20s");
  await kubectl("wait", "pv/fitting", "--for=jsonpath={.status.phase}=Released", "--timeout=20s");
  expect(await kubectl("get", "pv", "large")).toMatch(/large\s+9Gi\s+RWO\s+Retain\s+Available/);
}, 60_000);

test("an approved request becomes a certificate that the API server knows", async () => {
  const [key, csr, crt] = ["key", "csr", "crt"].map((end) => join(scratch, `jane.${end}`)) as [string, string, string];
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  execFileSync("openssl", ["req", "-new", ...ec, "-keyout", key, "-subj", "/O=developers/CN=jane", "-out", csr], {
    stdio: "ignore",
  });
  await cluster.apply(`
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: jane}
spec:
  request: ${readFileSync(csr).toString("base64")}
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 3600
  usages: [client auth]
`);
  await kubectl("certificate", "approve", "jane");
  await kubectl("wait", "csr/jane", "--for=jsonpath={.status.certificate}", "--timeout=20s");
  const certificate = await kubectl("get", "csr", "jane", "-o", "jsonpath={.status.certificate}");
  writeFileSync(crt, Buffer.from(certificate, "base64"));
  const server = await kubectl("config", "view", "--raw", "-o", "jsonpath={.clusters[0].cluster.server}");
  const ca = join(cluster.root, "pki", "ca.crt");
  const as = ["--kubeconfig", "/dev/null", "--server", server, "--certificate-authority", ca];
  const who = await kubectl("auth", "whoami", ...as, "--client-certificate", crt, "--client-key", key);
  expect(who).toMatch(/Username\s+jane/);
  expect(who).toMatch(/developers/);
}, 60_000);

test("a Service of type LoadBalancer gets an address of the pool, and another when it asks for it", async () => {
  await kubectl("create", "service", "loadbalancer", "lb", "--tcp=80:80");
  const address = () => kubectl("get", "service", "lb", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}");
  await until(async () => expect(await address()).toMatch(/^172\.30\.200\.\d+$/));
  await kubectl("patch", "service", "lb", "--type=merge", "-p", '{"spec":{"loadBalancerIP":"172.30.200.77"}}');
  await until(async () => expect(await address()).toBe("172.30.200.77"));
  await kubectl("delete", "service", "lb", "--timeout=20s");
}, 60_000);

test("an autoscaler keeps to its bounds, and says what it sees", async () => {
  await kubectl("autoscale", "deployment", "web", "--min=5", "--max=6", "--cpu-percent=80");
  await until(async () => {
    expect(await kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}")).toBe("5");
  });
  const described = await kubectl("describe", "hpa", "web");
  expect(described).toContain("New size: 5; reason: Current number of replicas below Spec.MinReplicas");
}, 60_000);
