// Real kubectl, real @kubernetes/client-node and rude strangers against the API server, a process of its own over Debian's etcd.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectH2 } from "node:http2";
import { Agent, createServer as createHttpsServer, request as httpsRequest } from "node:https";
import { connect as connectTcp, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, KubeConfig, Watch } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClusterConfig } from "../cli/cluster/config.ts";
import { kubeconfigFor, writeKubeconfig } from "../cli/cluster/kubeconfig.ts";
import { layoutOf } from "../cli/cluster/layout.ts";
import { ensurePki } from "../cli/cluster/pki.ts";
import { certificateFile, keyFile, pkiNames } from "../cli/cluster/pki-files.ts";
import { reported } from "../cli/version.ts";

const kubectlPath = process.env.KUBECTL ?? "kubectl";
const root = mkdtempSync(join(tmpdir(), "flotilla-apiserver-test-"));
const layout = layoutOf("test", root);
let etcdUrl = "";
let apiPort = 0;
let etcd: ChildProcess;
let apiServer: ChildProcess;
let apiServerLog = "";

beforeAll(async () => {
  const [clientPort, peerPort, port] = await Promise.all([freePort(), freePort(), freePort()]);
  etcdUrl = `http://127.0.0.1:${clientPort}`;
  apiPort = port;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  etcd = spawn("etcd", [
    ...["--data-dir", join(root, "etcd"), "--listen-client-urls", etcdUrl, "--advertise-client-urls", etcdUrl],
    ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
    ...["--initial-cluster", `default=${peerUrl}`, "--logger", "zap", "--log-level", "error"],
  ]);
  const config: ClusterConfig = {
    version: 1,
    name: "test",
    token: "test",
    members: [{ name: "etcd-1", clientPort, peerPort }],
    apiPort,
    nodes: [{ name: "node-1", address: "127.0.0.1", kubeletPort: 10250 }],
    runtime: "process",
  };
  mkdirSync(layout.sockets, { recursive: true });
  await ensurePki(layout, config);
  writeKubeconfig(layout.kubeconfig, kubeconfigFor(layout, config, pkiNames.admin));
  writeKubeconfig(join(root, "node.kubeconfig"), kubeconfigFor(layout, config, pkiNames.kubelet("node-1")));
  await startApiServerProcess();
  // Without a controller manager nobody else makes it.
  await kubectl("create", "serviceaccount", "default");
});

afterAll(async () => {
  for (const child of [apiServer, etcd]) {
    child?.kill("SIGTERM");
    if (child && child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
  }
  rmSync(root, { recursive: true, force: true });
});

async function startApiServerProcess(): Promise<void> {
  const pair = (name: string) => [certificateFile(layout, name), keyFile(layout, name)] as const;
  const [cert, key] = pair(pkiNames.apiServer);
  const args = [
    ...[
      "cli/apiserver.ts",
      "--etcd-servers",
      etcdUrl,
      "--secure-port",
      String(apiPort),
      "--unix-socket",
      layout.apiSocket(1),
    ],
    ...[
      "--tls-cert-file",
      cert,
      "--tls-private-key-file",
      key,
      "--client-ca-file",
      certificateFile(layout, pkiNames.ca),
    ],
    ...["--service-account-signing-key-file", keyFile(layout, pkiNames.serviceAccount)],
    ...["--kubelet-client-certificate", certificateFile(layout, pkiNames.apiServerKubeletClient)],
    ...["--kubelet-client-key", keyFile(layout, pkiNames.apiServerKubeletClient)],
    ...["--kubelet-certificate-authority", certificateFile(layout, pkiNames.ca)],
  ];
  apiServer = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  apiServer.stderr?.on("data", (text) => {
    apiServerLog += String(text);
  });
  await new Promise<void>((resolve, reject) => {
    apiServer.once("message", () => resolve());
    apiServer.once("exit", () => reject(new Error(`the API server ended: ${apiServerLog}`)));
  });
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(kubeconfig: string, args: readonly string[], input?: string): Promise<Outcome> {
  const all = ["--kubeconfig", kubeconfig, "--cache-dir", join(root, "cache"), ...args];
  return new Promise((resolve) => {
    const child = execFile(kubectlPath, all, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
    );
    child.stdin?.end(input ?? "");
  });
}

/** What kubectl prints; fails the test when kubectl does. */
async function kubectl(...args: string[]): Promise<string> {
  const { code, out, err } = await run(layout.kubeconfig, args);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${err}`);
  return out.trim();
}

async function apply(manifest: string): Promise<Outcome> {
  return run(layout.kubeconfig, ["apply", "-f", "-"], manifest);
}

const tls = () => ({
  ca: readFileSync(certificateFile(layout, pkiNames.ca)),
  cert: readFileSync(certificateFile(layout, pkiNames.admin)),
  key: readFileSync(keyFile(layout, pkiNames.admin)),
});

interface HttpAnswer {
  readonly code: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function http(
  path: string,
  options: { method?: string; body?: Buffer | string; headers?: object; anonymous?: boolean } = {},
) {
  const identity = options.anonymous ? { ca: tls().ca } : tls();
  return new Promise<HttpAnswer>((resolve, reject) => {
    const request = httpsRequest(
      {
        ...identity,
        host: "127.0.0.1",
        port: apiPort,
        path,
        method: options.method ?? "GET",
        headers: { ...options.headers },
        agent: new Agent({ keepAlive: false }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            code: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(options.body);
  });
}

const deployment = (image: string, extra = "") => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "${image}"${extra}}]}
`;

describe("kubectl", () => {
  test("applies, applies again, changes and deletes a Deployment, validated by the server", async () => {
    expect((await apply(deployment("nginx:1"))).out).toBe("deployment.apps/web created\n");
    expect((await apply(deployment("nginx:1"))).out).toBe("deployment.apps/web unchanged\n");
    expect((await apply(deployment("nginx:2"))).out).toBe("deployment.apps/web configured\n");
    expect(
      await kubectl(
        "get",
        "deploy",
        "web",
        "-o",
        "jsonpath={.metadata.generation} {.spec.template.spec.containers[0].image}",
      ),
    ).toBe("2 nginx:2");
    expect(await kubectl("scale", "deploy", "web", "--replicas=5")).toBe("deployment.apps/web scaled");
    expect(await kubectl("set", "image", "deploy/web", "c=nginx:3")).toBe("deployment.apps/web image updated");
    expect(await kubectl("get", "deploy", "web")).toMatch(
      /NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/5 +0 +0 +\d+s/,
    );
    expect(await kubectl("describe", "deploy", "web")).toMatch(/Replicas: +5 desired/);
    expect(await kubectl("delete", "deploy", "web")).toBe('deployment.apps "web" deleted');
  });

  test("sees wrong manifests refused in Kubernetes' words, and nothing written", async () => {
    const unknown = await apply(deployment("nginx", ", port: 80"));
    expect(unknown.err).toContain('strict decoding error: unknown field "spec.template.spec.containers[0].port"');
    expect((await apply(deployment("nginx").replace("replicas: 2", "replicas: many"))).err).toContain(
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    );
    expect((await apply(deployment("nginx").replace("name: web,", "name: Web_1,"))).err).toContain(
      'The Deployment "Web_1" is invalid: metadata.name: Invalid value: "Web_1": a lowercase RFC 1123 subdomain',
    );
    expect((await apply(`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: nowhere}}`)).err).toContain(
      'namespaces "nowhere" not found',
    );
    // Before it says so, kubectl reads /openapi/v2 as protobuf, and the definitions of custom resources.
    expect((await apply("{apiVersion: v1, kind: Podd, metadata: {name: x}}")).err).toBe(
      'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Podd" in version "v1"\nensure CRDs are installed first\n',
    );
    expect(await kubectl("get", "deploy", "-o", "name")).toBe("");
  });

  test("creates by protobuf, patches in three ways, labels, annotates, selects", async () => {
    await kubectl("create", "configmap", "conf", "--from-literal=a=1");
    await kubectl("create", "secret", "generic", "sec", "--from-literal=p=q");
    await kubectl("create", "deployment", "d", "--image=nginx");
    await kubectl("create", "job", "once", "--image=busybox", "--", "true");
    expect(await kubectl("get", "secret", "sec", "-o", "jsonpath={.type} {.data.p}")).toBe("Opaque cQ==");
    await kubectl("patch", "cm", "conf", "-p", '{"data":{"b":"2"}}');
    await kubectl("patch", "cm", "conf", "--type=merge", "-p", '{"data":{"a":null}}');
    await kubectl(
      "patch",
      "cm",
      "conf",
      "--type=json",
      "-p",
      '[{"op":"test","path":"/data/b","value":"2"},{"op":"add","path":"/data/c","value":"3"}]',
    );
    expect(JSON.parse(await kubectl("get", "cm", "conf", "-o", "json")).data).toEqual({ b: "2", c: "3" });
    const failed = await run(layout.kubeconfig, [
      "patch",
      "cm",
      "conf",
      "--type=json",
      "-p",
      '[{"op":"test","path":"/data/b","value":"9"}]',
    ]);
    expect(failed.code).toBe(1);
    await kubectl("label", "cm", "conf", "tier=x");
    await kubectl("annotate", "cm", "conf", "note=y");
    expect(await kubectl("get", "cm", "-l", "tier=x", "-o", "name")).toBe("configmap/conf");
    expect(await kubectl("get", "cm", "--field-selector", "metadata.name=conf", "-o", "name")).toBe("configmap/conf");
    await kubectl("delete", "cm,secret,deploy,job", "--all");
  });

  test("watches: the table's rows come as things happen", async () => {
    const child = spawn(kubectlPath, ["--kubeconfig", layout.kubeconfig, "get", "cm", "-w", "--output-watch-events"]);
    let seen = "";
    const settled = Promise.withResolvers<void>();
    child.stdout.on("data", (text) => {
      seen += String(text);
      if (seen.includes("DELETED")) settled.resolve();
    });
    // It lists first: what is made before that is shown as well, so there is nothing to wait for.
    await kubectl("create", "configmap", "seen");
    while (!seen.includes("seen")) await new Promise((resolve) => child.stdout.once("data", resolve));
    await kubectl("delete", "configmap", "seen");
    await settled.promise;
    child.kill();
    expect(seen).toMatch(/ADDED +seen[\s\S]*DELETED +seen/);
  });

  test("a Service gets its address and port, a pod what every pod has", async () => {
    await kubectl("run", "solo", "--image=busybox", "--restart=Never", "--labels=app=solo");
    await kubectl("expose", "pod", "solo", "--port=80", "--type=NodePort");
    expect(await kubectl("get", "svc", "solo")).toMatch(/solo +NodePort +10\.96\.\d+\.\d+ +<none> +80:3\d{4}\/TCP/);
    expect(await kubectl("get", "pod", "solo", "-o", "wide")).toMatch(/solo +0\/1 +Pending +0 +\d+s +<none> +<none>/);
    const pod = JSON.parse(await kubectl("get", "pod", "solo", "-o", "json"));
    expect(pod.spec).toMatchObject({ serviceAccountName: "default", priority: 0, dnsPolicy: "ClusterFirst" });
    expect(pod.spec.tolerations).toHaveLength(2);
    expect(pod.spec.containers[0].volumeMounts[0].mountPath).toBe("/var/run/secrets/kubernetes.io/serviceaccount");
    expect(await kubectl("logs", "solo")).toBe("");
    await kubectl("delete", "pod,svc", "-l", "app=solo");
  });

  test("knows who it is and what it may", async () => {
    expect(await kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")).toBe("kubernetes-admin");
    expect(await kubectl("auth", "can-i", "delete", "nodes")).toBe("yes");
    expect((await run(layout.kubeconfig, ["auth", "can-i", "get", "pods", "--as", "bob"])).out.trim()).toBe("no");
    expect((await run(layout.kubeconfig, ["get", "secrets", "--as", "bob"])).err).toContain(
      'secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "default"',
    );
    expect((await run(join(root, "node.kubeconfig"), ["get", "deployments"])).err).toContain(
      'User "system:node:node-1" cannot list resource "deployments" in API group "apps"',
    );
    await kubectl("create", "clusterrole", "looker", "--verb=get,list", "--resource=pods");
    await kubectl("create", "rolebinding", "looker", "--clusterrole=looker", "--serviceaccount=default:default");
    const token = await kubectl("create", "token", "default");
    const headers = { authorization: `Bearer ${token}` };
    expect((await http("/api/v1/namespaces/default/pods", { headers, anonymous: true })).code).toBe(200);
    expect((await http("/api/v1/namespaces/kube-system/pods", { headers, anonymous: true })).code).toBe(403);
    expect((await http("/version", { headers: { authorization: "Bearer nonsense" }, anonymous: true })).code).toBe(401);
    expect((await http("/version", { anonymous: true })).code).toBe(200);
    expect((await http("/api/v1/pods", { anonymous: true })).code).toBe(403);
  });

  test("discovers and explains", async () => {
    const kinds = await kubectl("api-resources", "-o", "wide");
    expect(kinds).toMatch(
      /deployments +deploy +apps\/v1 +true +Deployment +create,delete,deletecollection,get,list,patch,update,watch +all/,
    );
    expect(await kubectl("explain", "deployment.spec.replicas")).toContain("FIELD: replicas <integer>");
    expect(await kubectl("version")).toContain(`Server Version: ${reported.kubernetes}`);
    expect(await kubectl("get", "--raw", "/readyz?verbose")).toContain("[+]etcd ok");
  });

  test("deletes a namespace, which waits for its finalizer", async () => {
    await kubectl("create", "namespace", "shop");
    await kubectl("delete", "namespace", "shop", "--wait=false");
    expect(await kubectl("get", "ns", "shop")).toMatch(/shop +Terminating/);
    const namespace = JSON.parse(await kubectl("get", "ns", "shop", "-o", "json"));
    const file = join(root, "finalize.json");
    writeFileSync(file, JSON.stringify({ ...namespace, spec: {} }));
    await kubectl("replace", "--raw", "/api/v1/namespaces/shop/finalize", "-f", file);
    expect((await run(layout.kubeconfig, ["get", "ns", "shop"])).err).toContain('namespaces "shop" not found');
  });
});

test("@kubernetes/client-node lists, creates and watches", async () => {
  const config = new KubeConfig();
  config.loadFromFile(layout.kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const seen: string[] = [];
  const gone = Promise.withResolvers<void>();
  const { metadata } = await core.listNamespacedConfigMap({ namespace: "default" });
  const stop = await new Watch(config).watch(
    "/api/v1/namespaces/default/configmaps",
    { resourceVersion: metadata?.resourceVersion },
    (type, object: { metadata: { name: string } }) => {
      seen.push(`${type} ${object.metadata.name}`);
      if (type === "DELETED") gone.resolve();
    },
    () => undefined,
  );
  // Its bodies carry no apiVersion and no kind: the path says them.
  const created = await core.createNamespacedConfigMap({
    namespace: "default",
    body: { metadata: { name: "node" }, data: { a: "b" } },
  });
  expect(created.metadata?.uid).toBeDefined();
  await core.replaceNamespacedConfigMap({ namespace: "default", name: "node", body: { ...created, data: { a: "c" } } });
  await expect(
    core.replaceNamespacedConfigMap({ namespace: "default", name: "node", body: { ...created, data: { a: "d" } } }),
  ).rejects.toMatchObject({ code: 409 });
  await core.deleteNamespacedConfigMap({ namespace: "default", name: "node" });
  await gone.promise;
  stop.abort();
  expect(seen).toEqual(["ADDED node", "MODIFIED node", "DELETED node"]);
});

test("logs come from the kubelet of the pod's node, chunk by chunk as it says them", async () => {
  const asked: string[] = [];
  const flows = Promise.withResolvers<void>();
  const [cert, key] = [
    certificateFile(layout, pkiNames.kubelet("node-1")),
    keyFile(layout, pkiNames.kubelet("node-1")),
  ];
  const options = {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ca: tls().ca,
    requestCert: true,
    rejectUnauthorized: true,
  };
  const kubelet = createHttpsServer(options, (request, response) => {
    asked.push(request.url ?? "");
    response.write("first\n");
    // The second line is said only once the first has arrived.
    flows.promise.then(() => response.end("second\n"));
  });
  const socket = layout.kubeletSocket("node-1");
  await new Promise<void>((resolve) => kubelet.listen(socket, resolve));
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-1", annotations: { "flotilla.dev/kubelet-socket": socket } },
  };
  await apply(JSON.stringify(node));
  await apply(
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "talker" },
      spec: { nodeName: "node-1", containers: [{ name: "main", image: "x" }] },
    }),
  );
  const child = spawn(kubectlPath, ["--kubeconfig", layout.kubeconfig, "logs", "talker", "-f", "--tail=5"]);
  let said = "";
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said === "first\n") flows.resolve();
  }
  expect(said).toBe("first\nsecond\n");
  expect(asked).toEqual(["/containerLogs/default/talker/main?follow=true&tailLines=5"]);
  kubelet.close();
  expect((await run(layout.kubeconfig, ["logs", "talker", "-c", "other"])).err).toContain(
    "container other is not valid for pod talker",
  );
  const silent = await run(layout.kubeconfig, ["logs", "talker"]);
  expect(silent.err).toContain(`Get "https://${socket}/containerLogs/default/talker/main`);
  await kubectl("delete", "pod", "talker", "--grace-period=0", "--force");
  await kubectl("delete", "node", "node-1");
});

describe("the wire", () => {
  test("speaks HTTP/2 and HTTP/1.1, on TCP and on the unix socket", async () => {
    const session = connectH2(`https://127.0.0.1:${apiPort}`, tls());
    const stream = session.request({ ":path": "/version" });
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once("response", resolve));
    stream.resume();
    await new Promise((resolve) => stream.once("close", resolve));
    expect(headers[":status"]).toBe(200);
    expect(headers["audit-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers["cache-control"]).toBe("no-cache, private");
    session.close();
    const overSocket = await new Promise<number | undefined>((resolve, reject) =>
      httpsRequest(
        { ...tls(), socketPath: layout.apiSocket(1), path: "/version", servername: "localhost" },
        ({ statusCode }) => resolve(statusCode),
      )
        .on("error", reject)
        .end(),
    );
    expect(overSocket).toBe(200);
  });

  test("compresses large answers, and shares them by hash", async () => {
    const plain = await http("/openapi/v3/api/v1");
    const packed = await http("/openapi/v3/api/v1", { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers["content-encoding"]).toBe("gzip");
    expect(Number(packed.headers["content-length"])).toBeLessThan(plain.body.length / 4);
    const again = await http("/openapi/v3/api/v1", { headers: { "if-none-match": String(plain.headers.etag) } });
    expect(again.code).toBe(304);
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const groups = await http("/apis", { headers: { accept } });
    expect(groups.headers["content-type"]).toBe(accept);
    expect((await http("/apis", { headers: { accept, "if-none-match": String(groups.headers.etag) } })).code).toBe(304);
  });

  test("survives rude clients: garbage, broken bodies, streams cut short, bodies without end", async () => {
    const maps = "/api/v1/namespaces/default/configmaps";
    await new Promise((resolve) =>
      connectTcp(apiPort, "127.0.0.1").on("error", resolve).on("close", resolve).end("\0garbage\r\n\r\n"),
    );
    expect((await http(maps, { method: "POST", body: "{" })).code).toBe(400);
    expect(
      (
        await http(maps, {
          method: "POST",
          body: "\x6b8s\0\xff",
          headers: { "content-type": "application/vnd.kubernetes.protobuf" },
        })
      ).code,
    ).toBe(400);
    expect((await http(maps, { method: "POST", body: "x", headers: { "content-type": "text/plain" } })).code).toBe(415);
    const large = JSON.stringify({ metadata: { name: "large" }, data: { x: "x".repeat(4 << 20) } });
    const tooLarge = await http(maps, { method: "POST", body: large }).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    // A client that is still sending may see the connection close before it reads the answer.
    if (typeof tooLarge === "object") expect(tooLarge.code).toBe(413);
    else expect(["EPIPE", "ECONNRESET"]).toContain(tooLarge);
    const session = connectH2(`https://127.0.0.1:${apiPort}`, tls());
    session.on("error", () => undefined);
    for (let i = 0; i < 50; i++) {
      const stream = session.request({ ":path": `${maps}?watch=true` });
      stream.on("error", () => undefined);
      if (i % 2 === 0) stream.close();
    }
    await new Promise((resolve) => setImmediate(resolve));
    session.destroy();
    expect((await http("/healthz")).body).toBe("ok");
    expect((await http("/nothing/here")).code).toBe(404);
    expect(apiServerLog).not.toMatch(/ ERROR /);
  });
});

test("a restart loses nothing, and ends open watches", async () => {
  await kubectl("create", "configmap", "kept", "--from-literal=a=b");
  const before = await kubectl("get", "cm", "kept", "-o", "jsonpath={.metadata.uid} {.metadata.resourceVersion}");
  const watching = http("/api/v1/namespaces/default/configmaps?watch=true").catch(() => "cut");
  const exited = new Promise((resolve) => apiServer.once("exit", resolve));
  apiServer.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(apiServerLog).not.toContain("cut connections");
  await watching;
  await startApiServerProcess();
  expect(await kubectl("get", "cm", "kept", "-o", "jsonpath={.metadata.uid} {.metadata.resourceVersion}")).toBe(before);
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
