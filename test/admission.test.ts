// What the API server refuses, amends and charges, as kubectl's users meet it. Nobody but the server runs: statuses that
// controllers would write are written by hand.
import "reflect-metadata"; // @peculiar/x509 needs it, and does not say so
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { etcdctl } from "./store-cluster.ts";
import { type ApiServerProcess, ApiServers } from "./support/api-servers.ts";
import { eventually } from "./support/eventually.ts";

let all: ApiServers;
let server: ApiServerProcess;
let encryptionFile: string;

const newKey = (name: string) => ({ name, secret: randomBytes(32).toString("base64") });
const [firstKey, secondKey] = [newKey("first"), newKey("second")];
const writeEncryption = (...providers: object[]) =>
  writeFileSync(
    encryptionFile,
    JSON.stringify({
      apiVersion: "apiserver.config.k8s.io/v1",
      kind: "EncryptionConfiguration",
      resources: [{ resources: ["secrets"], providers }],
    }),
  );

beforeAll(async () => {
  all = await ApiServers.open("flotilla", 2);
  encryptionFile = join(all.directory, "encryption.yaml");
  writeEncryption({ aesgcm: { keys: [firstKey] } }, { identity: {} });
  const auditPolicy = join(all.directory, "audit.yaml");
  const rules = [{ level: "Metadata", resources: [{ resources: ["secrets"] }] }, { level: "Request" }];
  writeFileSync(auditPolicy, JSON.stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules }));
  server = await all.serve(
    ...["--encryption-provider-config", encryptionFile],
    ...["--audit-policy-file", auditPolicy, "--audit-log-path", join(all.directory, "audit.log")],
  );
  await server.kubectl("create", "serviceaccount", "default");
});
afterAll(() => all?.remove());

const kubectl = (...args: string[]) => server.kubectl(...args);
const refused = async (...args: string[]) => {
  const { code, stderr } = await server.tryKubectl(args);
  expect(code, `kubectl ${args.join(" ")} must fail`).not.toBe(0);
  return stderr.trim();
};

async function newNamespace(name: string, labels: Record<string, string> = {}): Promise<string> {
  await server.apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: name } },
  );
  return name;
}

const pod = (name: string, namespace: string, spec: object = {}, container: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels: { app: "web" } },
  spec: { containers: [{ name: "main", image: "busybox", ...container }], ...spec },
});

/** As the quota controller would. */
async function count(namespace: string, quota: string, used: Record<string, string>): Promise<void> {
  const { spec } = JSON.parse(await kubectl("get", "quota", quota, "-n", namespace, "-o", "json"));
  const path = `/api/v1/namespaces/${namespace}/resourcequotas/${quota}/status`;
  expect((await server.http("PATCH", path, { status: { hard: spec.hard, used } })).code).toBe(200);
}

describe("quotas", () => {
  test("refuse what is too much, in words that say how much", async () => {
    await newNamespace("tight");
    await kubectl("create", "quota", "compute", "-n", "tight", "--hard=pods=2,requests.cpu=1");
    await count("tight", "compute", { pods: "0", "requests.cpu": "0" });
    const cpu = (amount: string) => ({ resources: { requests: { cpu: amount } } });
    expect(await server.apply(pod("a", "tight"))).toContain(
      'pods "a" is forbidden: failed quota: compute: must specify requests.cpu for: main',
    );
    expect(await server.apply(pod("a", "tight", {}, cpu("600m")))).toBe("pod/a created");
    expect(await server.apply(pod("b", "tight", {}, cpu("600m")))).toContain(
      'pods "b" is forbidden: exceeded quota: compute, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
    );
    expect(await kubectl("describe", "quota", "compute", "-n", "tight")).toMatch(/requests.cpu +600m +1/);
  });

  test("count any kind, and never let in more than they allow", async () => {
    await newNamespace("counted");
    await kubectl("create", "quota", "objects", "-n", "counted", "--hard=count/configmaps=5");
    await count("counted", "objects", { "count/configmaps": "0" });
    const create = (at: number) =>
      server.http("POST", "/api/v1/namespaces/counted/configmaps", { metadata: { name: `c${at}` } });
    const codes = (await Promise.all(Array.from({ length: 20 }, (_, at) => create(at)))).map(({ code }) => code);
    expect(codes.filter((code) => code === 201)).toHaveLength(5);
    expect(codes.filter((code) => code === 403)).toHaveLength(15);
    expect(await kubectl("get", "cm", "-n", "counted", "-o", "name").then((text) => text.split("\n"))).toHaveLength(5);
  });

  test("get back what a write that failed was charged", async () => {
    await newNamespace("paid");
    await kubectl("create", "configmap", "there", "-n", "paid");
    await kubectl("create", "quota", "objects", "-n", "paid", "--hard=count/configmaps=5");
    await count("paid", "objects", { "count/configmaps": "1" });
    expect(await refused("create", "configmap", "there", "-n", "paid")).toContain("already exists");
    expect(await kubectl("get", "quota", "objects", "-n", "paid", "-o", "jsonpath={.status.used}")).toBe(
      '{"count/configmaps":"1"}',
    );
  });
});

test("limit ranges give defaults and bounds", async () => {
  await newNamespace("bounded");
  const limits = [
    { type: "Container", default: { memory: "512Mi" }, defaultRequest: { memory: "256Mi" }, max: { memory: "1Gi" } },
  ];
  await server.apply({
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: { name: "mem", namespace: "bounded" },
    spec: { limits },
  });
  expect(await server.apply(pod("usual", "bounded"))).toBe("pod/usual created");
  const resources = await kubectl(
    "get",
    "pod",
    "usual",
    "-n",
    "bounded",
    "-o",
    "jsonpath={.spec.containers[0].resources}",
  );
  expect(JSON.parse(resources)).toEqual({ limits: { memory: "512Mi" }, requests: { memory: "256Mi" } });
  expect(await server.apply(pod("big", "bounded", {}, { resources: { limits: { memory: "2Gi" } } }))).toContain(
    'pods "big" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
  );
});

test("priority classes become numbers, and only those who may say so", async () => {
  expect(await kubectl("get", "priorityclass", "system-node-critical", "-o", "jsonpath={.value}")).toBe("2000001000");
  await kubectl("create", "priorityclass", "high", "--value=1000", "--preemption-policy=Never");
  expect(await server.apply(pod("vip", "default", { priorityClassName: "high" }))).toBe("pod/vip created");
  expect(await kubectl("get", "pod", "vip", "-o", "jsonpath={.spec.priority} {.spec.preemptionPolicy}")).toBe(
    "1000 Never",
  );
  expect(await server.apply(pod("cheat", "default", { priority: 5 }))).toContain(
    "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0",
  );
  expect(await server.apply(pod("none", "default", { priorityClassName: "none" }))).toContain(
    'pods "none" is forbidden: no PriorityClass with name none was found',
  );
  expect(await refused("delete", "priorityclass", "system-node-critical")).toContain("cannot be deleted");
});

test("pod security holds pods to what their namespace asks for, and warns who makes workloads", async () => {
  await newNamespace("safe", { "pod-security.kubernetes.io/enforce": "baseline" });
  expect(await server.apply(pod("fine", "safe"))).toBe("pod/fine created");
  expect(
    await server.apply(pod("wild", "safe", { hostNetwork: true }, { securityContext: { privileged: true } })),
  ).toContain(
    'pods "wild" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), ' +
      'privileged (container "main" must not set securityContext.privileged=true)',
  );
  const { stderr } = await server.tryKubectl([
    "label",
    "ns",
    "safe",
    "pod-security.kubernetes.io/enforce=restricted",
    "--overwrite",
  ]);
  expect(stderr).toContain(
    'Warning: existing pods in namespace "safe" violate the new PodSecurity enforce level "restricted:latest"',
  );
  const made = await server.tryKubectl(["create", "deployment", "web", "-n", "safe", "--image=busybox"]);
  expect(made.code).toBe(0);
  expect(made.stderr).toContain(
    'Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
  );
});

describe("evictions", () => {
  const healthy = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };

  beforeAll(async () => {
    await newNamespace("kept");
    await server.apply({ apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } });
    for (const name of ["a", "b"]) {
      await server.apply(pod(name, "kept", { nodeName: "node-1" }));
      await server.http("PATCH", `/api/v1/namespaces/kept/pods/${name}/status`, { status: healthy });
    }
    await kubectl("create", "pdb", "web", "-n", "kept", "--selector=app=web", "--min-available=1");
  });

  const allow = async (disruptionsAllowed: number) => {
    const path = "/apis/policy/v1/namespaces/kept/poddisruptionbudgets/web/status";
    const status = { observedGeneration: 1, disruptionsAllowed, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 };
    expect((await server.http("PATCH", path, { status })).code).toBe(200);
  };
  const evict = (name: string, body: object = {}) =>
    server.http("POST", `/api/v1/namespaces/kept/pods/${name}/eviction`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name },
      ...body,
    });

  test("wait for a budget that has not been counted, and for one without room", async () => {
    const early = await evict("a");
    expect(early.code).toBe(429);
    expect(early.headers["retry-after"]).toBe("10");
    await allow(0);
    const late = JSON.parse((await evict("a")).text);
    expect(late).toMatchObject({
      code: 429,
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
    });
    expect(late.details.causes).toEqual([
      { reason: "DisruptionBudget", message: "The disruption budget web needs 1 healthy pods and has 2 currently" },
    ]);
  });

  test("kubectl drain waits without room, and goes on with it", async () => {
    const stuck = await server.tryKubectl(["drain", "node-1", "--force", "--timeout=1s", "--grace-period=0"]);
    expect(stuck.code).toBe(1);
    expect(stuck.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    await allow(2);
    expect((await evict("a", { deleteOptions: { dryRun: ["All"] } })).code).toBe(201);
    expect(await kubectl("drain", "node-1", "--force", "--grace-period=0", "--timeout=10s")).toContain(
      "node/node-1 drained",
    );
    const status = JSON.parse(await kubectl("get", "pdb", "web", "-n", "kept", "-o", "json")).status;
    expect(status.disruptionsAllowed).toBe(0);
    expect(Object.keys(status.disruptedPods).sort()).toEqual(["a", "b"]);
    expect(status.conditions).toMatchObject([
      { type: "DisruptionAllowed", status: "False", reason: "InsufficientPods" },
    ]);
  });

  test("of a pod with two budgets fail", async () => {
    await server.apply(pod("a", "kept", { nodeName: "node-1" }));
    await server.http("PATCH", "/api/v1/namespaces/kept/pods/a/status", { status: healthy });
    await kubectl("create", "pdb", "again", "-n", "kept", "--selector=app=web", "--max-unavailable=1");
    const { code, text } = await evict("a");
    expect(code).toBe(500);
    expect(text).toContain("This pod has more than one PodDisruptionBudget");
  });
});

describe("certificate requests", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  async function submit(name: string, subject: string, signerName: string, as: string[] = []): Promise<string> {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const key = async (pem: string, format: "pkcs8" | "spki", usage: "sign" | "verify") =>
      crypto.subtle.importKey(format, x509.PemConverter.decodeFirst(pem), algorithm, true, [usage]);
    x509.cryptoProvider.set(crypto);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: subject,
      keys: {
        privateKey: await key(String(privateKey.export({ type: "pkcs8", format: "pem" })), "pkcs8", "sign"),
        publicKey: await key(String(publicKey.export({ type: "spki", format: "pem" })), "spki", "verify"),
      },
      signingAlgorithm: algorithm,
    });
    const spec = {
      request: Buffer.from(request.toString("pem")).toString("base64"),
      signerName,
      usages: ["client auth"],
    };
    const csr = { apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: { name }, spec };
    const { stdout, stderr } = await server.tryKubectl(["create", "-f", "-", ...as], JSON.stringify(csr));
    return (stdout || stderr).trim();
  }
  const client = "kubernetes.io/kube-apiserver-client";

  test("are stamped with who asks, approved once, and not denied after", async () => {
    await kubectl("create", "clusterrole", "asker", "--verb=create", "--resource=certificatesigningrequests");
    await kubectl("create", "clusterrolebinding", "asker", "--clusterrole=asker", "--user=bob");
    expect(await submit("bob", "CN=bob,O=devs", client, ["--as=bob", "--as-group=devs"])).toContain("created");
    const { spec } = JSON.parse(await kubectl("get", "csr", "bob", "-o", "json"));
    expect(spec).toMatchObject({ username: "bob", groups: ["devs", "system:authenticated"] });
    expect(await kubectl("certificate", "approve", "bob")).toContain("bob approved");
    const { status } = JSON.parse(await kubectl("get", "csr", "bob", "-o", "json"));
    expect(status.conditions).toMatchObject([{ type: "Approved", status: "True", reason: "KubectlApprove" }]);
    status.conditions.push({ type: "Denied", status: "True", reason: "Late" });
    const path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/bob/approval";
    const both = await server.http("PATCH", path, { status });
    expect(both.code).toBe(422);
    expect(both.text).toContain("Approved and Denied conditions are mutually exclusive");
    expect(await submit("eve", "CN=eve", client)).toContain("created");
    expect(await kubectl("certificate", "deny", "eve")).toContain("eve denied");
  });

  test("are approved by those who may approve for the signer", async () => {
    expect(await submit("carl", "CN=carl", client)).toContain("created");
    await kubectl(
      "create",
      "clusterrole",
      "half",
      "--verb=get,list,update",
      "--resource=certificatesigningrequests,certificatesigningrequests/approval",
    );
    await kubectl("create", "clusterrolebinding", "half", "--clusterrole=half", "--user=dora");
    expect(await refused("certificate", "approve", "carl", "--as=dora")).toContain(
      `user not permitted to approve requests with signerName "${client}"`,
    );
  });

  test("for masters, or that are none, are refused", async () => {
    expect(await submit("root", "CN=root,O=system:masters", client)).toContain(
      `use of ${client} signer with system:masters group is not allowed`,
    );
  });
});

test("tokens live as long as what they are bound to", async () => {
  await kubectl("create", "serviceaccount", "robot");
  await server.apply(pod("host", "default", { serviceAccountName: "robot" }));
  const token = await kubectl(
    "create",
    "token",
    "robot",
    "--bound-object-kind=Pod",
    "--bound-object-name=host",
    "--duration=10m",
  );
  const whoami = () => server.http("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, token);
  expect(JSON.parse((await whoami()).text).status.userInfo).toMatchObject({
    username: "system:serviceaccount:default:robot",
    extra: { "authentication.kubernetes.io/pod-name": ["host"] },
  });
  await kubectl("delete", "pod", "host", "--grace-period=0", "--force");
  expect((await whoami()).code).toBe(401);
  const keys = JSON.parse((await server.http("GET", "/openid/v1/jwks")).text).keys as { kid: string }[];
  const [header = ""] = token.split(".");
  expect(keys.map(({ kid }) => kid)).toContain(JSON.parse(Buffer.from(header, "base64url").toString()).kid);
});

describe("secrets in the store", () => {
  const raw = async (name: string) =>
    (await etcdctl(all.store.endpoints, ["get", `/registry/secrets/default/${name}`])).stdout;

  test("are not readable there, and other objects are", async () => {
    await kubectl("create", "secret", "generic", "db", "--from-literal=password=correct-horse");
    await kubectl("create", "configmap", "open", "--from-literal=word=correct-horse");
    expect(await raw("db")).toContain("k8s:enc:aesgcm:v1:first:");
    expect(await raw("db")).not.toContain(Buffer.from("correct-horse").toString("base64"));
    expect((await etcdctl(all.store.endpoints, ["get", "/registry/configmaps/default/open"])).stdout).toContain(
      "correct-horse",
    );
    expect(await kubectl("get", "secret", "db", "-o", "jsonpath={.data.password}")).toBe(
      Buffer.from("correct-horse").toString("base64"),
    );
  });

  test("are spoken of in the audit log, and not told", async () => {
    const lines = readFileSync(join(all.directory, "audit.log"), "utf8").trim().split("\n");
    const events = lines.map((line) => JSON.parse(line));
    const created = (resource: string, name: string) =>
      events.find(
        ({ stage, verb, objectRef }) =>
          stage === "ResponseComplete" &&
          verb === "create" &&
          objectRef.resource === resource &&
          objectRef.name === name,
      );
    expect(created("secrets", "db")).toMatchObject({
      level: "Metadata",
      user: { username: "kubernetes-admin" },
      responseStatus: { code: 201 },
    });
    expect(lines.filter((line) => line.includes('"secrets"')).join()).not.toContain(
      Buffer.from("correct-horse").toString("base64"),
    );
    expect(created("configmaps", "open").requestObject.data).toEqual({ word: "correct-horse" });
  });

  test("are written with a new key once it comes first, by the usual replace", async () => {
    writeEncryption({ aesgcm: { keys: [secondKey, firstKey] } });
    await eventually("the file was read again", () => server.output.includes("was read again"));
    expect(await raw("db")).toContain("k8s:enc:aesgcm:v1:first:");
    const everything = await kubectl("get", "secrets", "-A", "-o", "json");
    const { code, stdout, stderr } = await server.tryKubectl(["replace", "-f", "-"], everything);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("secret/db replaced");
    expect(await raw("db")).toContain("k8s:enc:aesgcm:v1:second:");
    // What is written with today's key already is not written again.
    const version = () => kubectl("get", "secret", "db", "-o", "jsonpath={.metadata.resourceVersion}");
    const before = await version();
    await server.tryKubectl(["replace", "-f", "-"], await kubectl("get", "secrets", "-A", "-o", "json"));
    expect(await version()).toBe(before);
  });

  test("that no key opens are named", async () => {
    writeEncryption({ aesgcm: { keys: [newKey("third")] } });
    const path = "/api/v1/namespaces/default/secrets/db";
    const { code, text } = await eventually("the old keys are gone", async () => {
      const answer = await server.http("GET", path);
      return answer.code !== 200 && answer;
    });
    expect(code).toBe(500);
    expect(JSON.parse(text).message).toBe(
      'Internal error occurred: unable to transform key "/registry/secrets/default/db": no matching prefix found',
    );
    expect((await server.http("GET", "/api/v1/namespaces/default/configmaps/open")).code).toBe(200);
    expect(readFileSync(encryptionFile, "utf8")).toContain("third");
  });
});
