import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Log } from "../base/mod.ts";
import type { ClusterConfig } from "../cli/cluster/config.ts";
import { kubeconfigFor, writeKubeconfig } from "../cli/cluster/kubeconfig.ts";
import { type Layout, layoutOf } from "../cli/cluster/layout.ts";
import { ensurePki } from "../cli/cluster/pki.ts";
import { certificateFile, keyFile, pkiNames } from "../cli/cluster/pki-files.ts";
import { reported } from "../cli/version.ts";
import type { Container, Pod } from "../controlplane/api/mod.ts";
import { type ApiServer, MemoryStore, startApiServer } from "../controlplane/apiserver/mod.ts";
import { Client } from "../controlplane/client/mod.ts";
import {
  createClusterNetwork,
  createNodeNetwork,
  destroyClusterNetwork,
  destroyNode,
} from "../dataplane/kubelet/mod.ts";
import { eventually } from "./support/eventually.ts";
import { leftovers } from "./support/leftovers.ts";

const cluster = `k${process.pid}`;
const flotilla = join(import.meta.dirname, "..", "cli", "flotilla.ts");

/** An API server in this process and real kubelets, each a process in its node's network namespace, without any other component. */
class Nodes {
  readonly root = mkdtempSync(join(tmpdir(), `flotilla-${cluster}-`));
  readonly layout: Layout = layoutOf(cluster, this.root);
  readonly #store = new MemoryStore();
  readonly #kubelets = new Map<string, ChildProcess>();
  #api: ApiServer | undefined;
  #port = 0;
  client!: Client;

  get #config(): ClusterConfig {
    const nodes = ["node-1", "node-2", "plain"].map((name) => ({ name, address: "127.0.0.1", kubeletPort: 10_250 }));
    return {
      version: 1,
      name: cluster,
      token: cluster,
      members: [],
      apiPort: this.#port,
      nodes,
      runtime: "namespaces",
    };
  }

  async start(): Promise<void> {
    mkdirSync(this.layout.sockets, { recursive: true });
    await ensurePki(this.layout, this.#config);
    await this.startApi();
    for (const name of ["node-1", "node-2", "plain"]) {
      writeKubeconfig(
        join(this.root, `${name}.kubeconfig`),
        kubeconfigFor(this.layout, this.#config, pkiNames.kubelet(name)),
      );
    }
    writeKubeconfig(this.layout.kubeconfig, kubeconfigFor(this.layout, this.#config, pkiNames.admin));
    this.client = await Client.fromKubeconfig(this.layout.kubeconfig);
    await this.client.serviceAccounts.create({ metadata: { namespace: "default", name: "default" } });
    const ca = readFileSync(certificateFile(this.layout, pkiNames.ca), "utf8");
    await this.client.configMaps.create({
      metadata: { namespace: "default", name: "kube-root-ca.crt" },
      data: { "ca.crt": ca },
    });
    await createClusterNetwork(cluster);
  }

  async startApi(): Promise<void> {
    const pem = (file: string) => readFileSync(file, "utf8");
    const { layout } = this;
    const silent: Log = () => undefined;
    this.#api = await startApiServer({
      etcdServers: [],
      store: this.#store,
      listen: { host: "127.0.0.1", port: this.#port },
      unixSocket: layout.apiSocket(1),
      tls: {
        cert: pem(certificateFile(layout, pkiNames.apiServer)),
        key: pem(keyFile(layout, pkiNames.apiServer)),
        clientCa: pem(certificateFile(layout, pkiNames.ca)),
      },
      serviceAccountKey: { privateKey: pem(keyFile(layout, pkiNames.serviceAccount)) },
      kubeletClientTls: {
        cert: pem(certificateFile(layout, pkiNames.apiServerKubeletClient)),
        key: pem(keyFile(layout, pkiNames.apiServerKubeletClient)),
        ca: pem(certificateFile(layout, pkiNames.ca)),
      },
      kubernetesVersion: reported.kubernetes,
      shutdownGraceMs: 100,
      log: silent,
    });
    this.#port = this.#api.port;
    await this.#api.ready;
  }

  async stopApi(): Promise<void> {
    await this.#api?.stop();
  }

  /** Starts a node's kubelet and waits until the node is Ready. */
  async kubelet(name: string, index: number, runtime: "namespaces" | "process" = "namespaces"): Promise<void> {
    const { layout, root } = this;
    const address = runtime === "namespaces" ? `172.30.0.${10 + index}` : "127.0.0.1";
    const enter: string[] = [];
    if (runtime === "namespaces") {
      const { namespace } = await createNodeNetwork({ cluster, node: name, nodeIP: address });
      enter.push("nsenter", `--net=${namespace}`);
    }
    const argv = [
      ...enter,
      ...[process.execPath, flotilla, "kubelet"],
      ...["--kubeconfig", join(root, `${name}.kubeconfig`), "--apiserver-socket", layout.apiSocket(1)],
      ...["--hostname-override", name, "--node-ip", address, "--address", address, "--port", "0"],
      ...["--root-dir", layout.nodeDir(name), "--runtime", runtime, "--unix-socket", layout.kubeletSocket(name)],
      ...["--tls-cert-file", certificateFile(layout, pkiNames.kubelet(name))],
      ...["--tls-private-key-file", keyFile(layout, pkiNames.kubelet(name))],
      ...["--client-ca-file", certificateFile(layout, pkiNames.ca), "--service-cluster-ip-range", "10.96.0.0/16"],
    ];
    const child = spawn(argv[0] as string, argv.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    this.#kubelets.set(name, child);
    await eventually(`${name} is Ready:\n${said}`, async () => {
      if (child.exitCode !== null) throw new Error(`the kubelet ended with ${child.exitCode}: ${said}`);
      const node = await this.client.nodes.get(name);
      // What a controller does in a whole cluster.
      if (!node.spec.podCIDR)
        await this.client.nodes.patch(name, "merge", { spec: { podCIDR: `10.244.${index}.0/24` } });
      return node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    });
  }

  async kill(name: string): Promise<void> {
    const child = this.#kubelets.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async destroy(): Promise<void> {
    for (const name of this.#kubelets.keys()) await this.kill(name);
    for (const name of this.#kubelets.keys()) await destroyNode({ rootDir: this.layout.nodeDir(name) });
    for (const name of this.#kubelets.keys()) await destroyNode({ rootDir: this.layout.nodeDir(name) });
    await destroyClusterNetwork(cluster);
    await destroyClusterNetwork(cluster);
    await this.client.close();
    await this.stopApi();
    rmSync(this.root, { recursive: true, force: true });
  }
}

const nodes = new Nodes();

/** The shell script is the container's whole program. */
function shell(script: string, change: Partial<Container> = {}): Container {
  return { name: "main", image: "host", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", script], ...change };
}

async function create(name: string, spec: Partial<Pod["spec"]> & { containers: Container[] }): Promise<Pod> {
  return nodes.client.pods.create({
    metadata: { namespace: "default", name, labels: { app: name } },
    spec: { nodeName: "node-1", terminationGracePeriodSeconds: 5, ...spec },
  });
}

const get = (name: string) => nodes.client.pods.get("default", name);

/** Waits until the pod looks like that, and returns it. */
function until(name: string, what: string, holds: (pod: Pod) => boolean | undefined): Promise<Pod> {
  let last: Pod | undefined;
  return eventually(`${name}: ${what}`, async () => {
    last = await get(name);
    return holds(last) ? last : undefined;
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${JSON.stringify(last?.status, undefined, 1)}`);
  });
}

const phase = (wanted: string) => (pod: Pod) => pod.status?.phase === wanted;
const ready = (pod: Pod) => pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
const main = (pod: Pod) => pod.status?.containerStatuses?.[0];

async function logs(name: string, options: Parameters<Client["logs"]>[2] = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of nodes.client.logs("default", name, options)) lines.push(line);
  return lines;
}

async function events(name: string): Promise<string[]> {
  const { items } = await nodes.client.events.list({
    namespace: "default",
    fieldSelector: `involvedObject.name=${name}`,
  });
  return items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

async function remove(...names: string[]): Promise<void> {
  for (const name of names) await nodes.client.pods.delete("default", name, { gracePeriodSeconds: 1 });
  await eventually(`${names} are gone`, async () => {
    const { items } = await nodes.client.pods.list({ namespace: "default" });
    return !items.some(({ metadata }) => names.includes(metadata.name));
  });
}

const serve = `node -e 'require("http").createServer((q,r)=>r.end("hello from "+require("os").hostname())).listen(8080)'`;
const fetchText = (url: string) =>
  `node -e 'fetch("${url}").then(r=>r.text()).then(t=>console.log(t),()=>process.exit(1))'`;

beforeAll(async () => {
  await nodes.start();
  await Promise.all([nodes.kubelet("node-1", 1), nodes.kubelet("node-2", 2)]);
});

afterAll(async () => {
  await nodes.destroy();
  expect(leftovers([cluster, nodes.root])).toEqual([]);
});

describe("a pod", () => {
  test("runs soon after it is bound, knows who it is, and its log can be read", async () => {
    const took: number[] = [];
    for (let i = 0; i < 5; i++) {
      const startedAt = performance.now();
      await create(`quick-${i}`, { containers: [shell("sleep 1000")] });
      await until(`quick-${i}`, "Running", phase("Running"));
      took.push(performance.now() - startedAt);
    }
    const median = took.sort((a, b) => a - b)[2] as number;
    console.log(`from creation to Running: median ${Math.round(median)} ms of ${took.map(Math.round).join(", ")}`);
    expect(median).toBeLessThan(1_000);
    await remove(...took.map((_, i) => `quick-${i}`));

    const env = [
      { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    ];
    const script =
      "echo $NAME $IP $(hostname) $KUBERNETES_SERVICE_HOST; cat /etc/hosts | tail -1; cat /run/secrets/kubernetes.io/serviceaccount/namespace";
    await create("who", { restartPolicy: "Never", containers: [shell(script, { env })] });
    const pod = await until("who", "Succeeded", phase("Succeeded"));
    const ip = pod.status?.podIP;
    expect(ip).toMatch(/^10\.244\.1\./);
    expect(await logs("who")).toEqual([`who ${ip} who 10.96.0.1`, `${ip}\twho`, "default"]);
    expect(await logs("who", { tailLines: 1 })).toEqual(["default"]);
    expect(main(pod)).toMatchObject({
      state: { terminated: { exitCode: 0, reason: "Completed" } },
      imageID: "flotilla://host",
    });
    expect(pod.status).toMatchObject({ qosClass: "BestEffort", hostIP: "172.30.0.11" });
    expect(await events("who")).toEqual([
      'Normal Pulled: Container image "host" already present on machine',
      "Normal Created: Created container: main",
      "Normal Started: Started container main",
    ]);
    await remove("who");
  });

  test("containers of one share localhost and files; pods of two nodes reach each other by address", async () => {
    const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
    await create("two", {
      initContainers: [shell("echo from init > /shared/word", { name: "init", volumeMounts })],
      containers: [
        shell(serve, { readinessProbe: { httpGet: { port: 8080, path: "/" }, periodSeconds: 1 } }),
        shell(`cat /shared/word; until ${fetchText("http://127.0.0.1:8080/")}; do sleep 0.1; done; sleep 1000`, {
          name: "beside",
          volumeMounts,
        }),
      ],
      volumes: [{ name: "shared", emptyDir: {} }],
    });
    const pod = await until("two", "Ready", ready);
    await eventually(
      "the other container's answer",
      async () => (await logs("two", { container: "beside" })).length === 2,
    );
    expect(await logs("two", { container: "beside" })).toEqual(["from init", "hello from two"]);
    const script = `until ${fetchText(`http://${pod.status?.podIP}:8080/`)}; do sleep 0.1; done`;
    await create("far", { nodeName: "node-2", restartPolicy: "Never", containers: [shell(script)] });
    const far = await until("far", "Succeeded", phase("Succeeded"));
    expect(far.status?.podIP).toMatch(/^10\.244\.2\./);
    expect(await logs("far")).toEqual(["hello from two"]);
    await remove("two", "far");
  });

  test("gets other resources while it runs, is restarted where it asked for that, and is told when there are none", async () => {
    const resources = (cpu: string, memory = "64Mi") => ({ requests: { cpu, memory }, limits: { cpu, memory } });
    const quota = "$(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>&- || cut -d' ' -f1 /sys/fs/cgroup/cpu.max)";
    const script = `while sleep 0.1; do now=${quota}; [ "$now" = "$last" ] || echo $now; last=$now; done`;
    const resizePolicy = [
      { resourceName: "cpu", restartPolicy: "NotRequired" },
      { resourceName: "memory", restartPolicy: "RestartContainer" },
    ];
    await create("grow", { containers: [shell(script, { resources: resources("200m"), resizePolicy })] });
    const resize = (to: object) =>
      nodes.client.pods.patch(
        "default",
        "grow",
        "strategic",
        { spec: { containers: [{ name: "main", resources: to }] } },
        { subresource: "resize" },
      );
    const condition = (pod: Pod, type: string) => pod.status?.conditions?.find((one) => one.type === type);
    await until("grow", "Running", phase("Running"));
    await eventually("the first quota", async () => (await logs("grow")).join() === "20000");
    await resize(resources("500m"));
    const grown = await until("grow", "resized", (pod) => main(pod)?.resources?.limits?.cpu === "500m");
    expect(main(grown)).toMatchObject({ restartCount: 0, allocatedResources: { cpu: "500m", memory: "64Mi" } });
    await eventually("the new quota", async () => (await logs("grow")).join() === "20000,50000");

    await resize(resources("500m", "96Mi"));
    const again = await until("grow", "restarted", (pod) => main(pod)?.restartCount === 1 && ready(pod) === true);
    expect(main(again)?.resources).toEqual(resources("500m", "96Mi"));

    await resize(resources("1000"));
    const refused = await until("grow", "refused", (pod) => condition(pod, "PodResizePending") !== undefined);
    expect(condition(refused, "PodResizePending")).toMatchObject({
      status: "True",
      reason: "Infeasible",
      message: expect.stringContaining("Node didn't have enough capacity: cpu, requested: 1000000"),
    });
    await resize(resources("300m", "96Mi"));
    const settled = await until("grow", "settled", (pod) => main(pod)?.resources?.limits?.cpu === "300m");
    await until("grow", "without a condition", (pod) => condition(pod, "PodResizePending") === undefined);
    expect(main(settled)?.restartCount).toBe(1);
    await remove("grow");
  });

  test("that fails is restarted, then waits longer and longer, and shows how it ended", async () => {
    await create("crash", { containers: [shell("echo try; exit 3")] });
    const pod = await until(
      "crash",
      "CrashLoopBackOff",
      (one) => main(one)?.state?.waiting?.reason === "CrashLoopBackOff",
    );
    expect(main(pod)).toMatchObject({
      restartCount: 1,
      ready: false,
      lastState: { terminated: { exitCode: 3, reason: "Error" } },
    });
    expect(main(pod)?.state?.waiting?.message).toBe(
      `back-off 10s restarting failed container=main pod=crash_default(${pod.metadata.uid})`,
    );
    expect(pod.status?.phase).toBe("Running");
    expect(await logs("crash", { previous: true })).toEqual(["try"]);
    expect(await events("crash")).toContain(
      `Warning BackOff: Back-off restarting failed container main in pod crash_default(${pod.metadata.uid})`,
    );
    await remove("crash");
  });

  test.each<[string, Partial<Container>, string, string]>([
    ["an image that is not here", { image: "nginx:1.27" }, "ImagePullBackOff", 'Back-off pulling image "nginx:1.27"'],
    [
      "an image never to be pulled",
      { image: "nginx:1.27", imagePullPolicy: "Never" },
      "ErrImageNeverPull",
      'Container image "nginx:1.27" is not present with pull policy of Never',
    ],
    ["no image name", { image: "Not/An Image" }, "InvalidImageName", "couldn't parse image name"],
    [
      "a missing ConfigMap",
      { envFrom: [{ configMapRef: { name: "nope" } }] },
      "CreateContainerConfigError",
      'configmap "nope" not found',
    ],
    [
      "root where root is forbidden",
      { securityContext: { runAsNonRoot: true } },
      "CreateContainerConfigError",
      "container has runAsNonRoot and image will run as root",
    ],
  ])("with %s waits with the reason users know", async (_what, change, reason, message) => {
    await create("waits", { containers: [shell("sleep 1000", change)] });
    const pod = await until("waits", reason, (one) => main(one)?.state?.waiting?.reason === reason);
    expect(main(pod)?.state?.waiting?.message).toContain(message);
    expect(pod.status?.phase).toBe("Pending");
    await remove("waits");
  });

  test("whose command does not exist says which", async () => {
    await create("nocmd", { restartPolicy: "Never", containers: [shell("", { command: ["/no/such"] })] });
    const pod = await until("nocmd", "Failed", phase("Failed"));
    expect(main(pod)?.state?.terminated).toMatchObject({ exitCode: 128, reason: "StartError" });
    expect(main(pod)?.state?.terminated?.message).toContain(
      'exec: "/no/such": stat /no/such: no such file or directory',
    );
    await remove("nocmd");
  });

  test("that this node cannot hold is refused", async () => {
    await create("big", { containers: [shell("true", { resources: { requests: { cpu: "1000" } } })] });
    const pod = await until("big", "Failed", phase("Failed"));
    expect(pod.status?.reason).toBe("OutOfcpu");
    expect(pod.status?.message).toContain(
      "Pod was rejected: Node didn't have enough resource: cpu, requested: 1000000",
    );
    expect(pod.status?.containerStatuses).toBeUndefined();
    await remove("big");
  });

  test("that takes more memory than its limit is OOMKilled", async () => {
    const hungry = shell("x=$(head -c 300000000 /dev/zero | tr '\\0' x)", {
      resources: { limits: { memory: "32Mi" } },
    });
    await create("hungry", { restartPolicy: "Never", containers: [hungry] });
    const pod = await until("hungry", "Failed", phase("Failed"));
    expect(main(pod)?.state?.terminated).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
    await remove("hungry");
  });
});

describe("probes", () => {
  const volumeMounts = [{ name: "flags", mountPath: "/flags" }];
  const spec = (change: Partial<Container>) => ({
    containers: [shell("sleep 1000", { volumeMounts, ...change })],
    volumes: [{ name: "flags", hostPath: { path: join(nodes.root, "flags"), type: "DirectoryOrCreate" } }],
  });
  const flag = (name: string) => join(nodes.root, "flags", name);

  test("a container that is not alive is restarted", async () => {
    const livenessProbe = {
      exec: { command: ["test", "!", "-e", "/flags/dead"] },
      periodSeconds: 1,
      failureThreshold: 1,
    };
    const before = await create("live", { ...spec({ livenessProbe }), terminationGracePeriodSeconds: 0 }).then(() =>
      until("live", "Ready", ready),
    );
    writeFileSync(flag("dead"), "");
    const after = await until("live", "restarted", (pod) => (main(pod)?.restartCount ?? 0) > 0);
    rmSync(flag("dead"));
    expect(main(after)?.containerID).not.toBe(main(before)?.containerID);
    expect(await events("live")).toContain("Normal Killing: Container main failed liveness probe, will be restarted");
    await remove("live");
  });

  test("a container is ready when it says so, and not when it does not", async () => {
    const readinessProbe = { exec: { command: ["cat", "/flags/ready"] }, periodSeconds: 1, failureThreshold: 1 };
    await create("readiness", spec({ readinessProbe }));
    const before = await until("readiness", "Running", phase("Running"));
    expect(ready(before)).toBe(false);
    writeFileSync(flag("ready"), "");
    await until("readiness", "Ready", ready);
    rmSync(flag("ready"));
    const after = await until("readiness", "not Ready", (pod) => !ready(pod));
    expect(main(after)?.restartCount).toBe(0);
    expect(
      (await events("readiness")).some((line) =>
        line.startsWith("Warning Unhealthy: Readiness probe failed: cat: /flags/ready"),
      ),
    ).toBe(true);
    await remove("readiness");
  });
});

describe("the end of a pod", () => {
  test("hook, SIGTERM, and gone from the API only when nothing of it is left", async () => {
    const dir = join(nodes.root, "end");
    const lifecycle = { preStop: { exec: { command: ["sh", "-c", "echo hook >> /end/order"] } } };
    const volumeMounts = [{ name: "end", mountPath: "/end" }];
    const script =
      'trap "echo term >> /end/order; sleep 0.3; exit 0" TERM; touch /end/up; while :; do sleep 0.05; done';
    await create("ends", {
      containers: [shell(script, { lifecycle, volumeMounts })],
      volumes: [{ name: "end", hostPath: { path: dir, type: "DirectoryOrCreate" } }],
    });
    const { metadata } = await until("ends", "Running", (pod) => phase("Running")(pod) && existsSync(join(dir, "up")));
    await nodes.client.pods.delete("default", "ends");
    await eventually(
      "the pod is gone",
      async () =>
        !(await nodes.client.pods.list({ namespace: "default" })).items.some((one) => one.metadata.name === "ends"),
    );
    expect(readFileSync(join(dir, "order"), "utf8")).toBe("hook\nterm\n");
    await eventually(
      "its files are gone",
      () => !existsSync(join(nodes.layout.nodeDir("node-1"), "pods", metadata.uid ?? "")),
    );
  });

  test("who does not listen is killed when the grace period is over", async () => {
    await create("deaf", {
      terminationGracePeriodSeconds: 1,
      containers: [shell('trap "" TERM; while :; do sleep 0.05; done')],
    });
    await until("deaf", "Running", phase("Running"));
    const startedAt = performance.now();
    await nodes.client.pods.delete("default", "deaf");
    await eventually(
      "the pod is gone",
      async () =>
        !(await nodes.client.pods.list({ namespace: "default" })).items.some((one) => one.metadata.name === "deaf"),
    );
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });
});

test("a changed ConfigMap changes the mounted file", async () => {
  await nodes.client.configMaps.create({ metadata: { namespace: "default", name: "word" }, data: { word: "old" } });
  const script = "cat /cm/word; echo; until grep -q new /cm/word; do sleep 0.05; done; cat /cm/word; echo; touch /cm/x";
  await create("follows", {
    restartPolicy: "Never",
    containers: [shell(script, { volumeMounts: [{ name: "cm", mountPath: "/cm" }] })],
    volumes: [{ name: "cm", configMap: { name: "word" } }],
  });
  await until("follows", "Running", phase("Running"));
  await eventually("it has read the old word", async () => (await logs("follows")).includes("old"));
  await nodes.client.configMaps.patch("default", "word", "merge", { data: { word: "new" } });
  const pod = await until("follows", "ended", (one) => phase("Failed")(one) || phase("Succeeded")(one));
  expect(main(pod)?.state?.terminated?.exitCode).toBe(1); // touch: the files are not the container's to change
  expect(await logs("follows")).toEqual(["old", "new", "touch: cannot touch '/cm/x': Read-only file system"]);
  await remove("follows");
});

describe("a kubelet that was killed", () => {
  test("finds its containers as they were: none is restarted, no line and no exit code is lost", async () => {
    await create("counts", { containers: [shell("i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done")] });
    await create("finishes", { restartPolicy: "Never", containers: [shell("sleep 2; echo last words; exit 7")] });
    const before = await until("counts", "Running", phase("Running"));
    await until("finishes", "Running", phase("Running"));
    await nodes.kill("node-1");
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // the time without kubelet is the scenario
    await nodes.kubelet("node-1", 1);
    const finished = await until("finishes", "Failed", phase("Failed"));
    expect(main(finished)?.state?.terminated).toMatchObject({ exitCode: 7, reason: "Error" });
    expect(await logs("finishes")).toEqual(["last words"]);
    const after = await get("counts");
    expect(main(after)).toMatchObject({ containerID: main(before)?.containerID, restartCount: 0 });
    const lines = await logs("counts");
    expect(lines).toEqual(lines.map((_, i) => `${i}`));
    expect(lines.length).toBeGreaterThan(50);
    await remove("counts", "finishes");
  });

  test("ends pods that were deleted meanwhile", async () => {
    await create("orphan", { nodeName: "node-2", containers: [shell("sleep 1000")] });
    await until("orphan", "Running", phase("Running"));
    await nodes.kill("node-2");
    await nodes.client.pods.delete("default", "orphan", { gracePeriodSeconds: 0 });
    await nodes.kubelet("node-2", 2);
    await eventually(
      "nothing of it is left",
      () => leftovers([join(nodes.layout.nodeDir("node-2"), "runtime/containers")]).length === 0,
    );
  });
});

test("pods go on without the API server, and it is told afterwards", async () => {
  await create("alone", { containers: [shell("sleep 2; exit 1")], restartPolicy: "Never" });
  await until("alone", "Running", phase("Running"));
  await nodes.stopApi();
  await new Promise((resolve) => setTimeout(resolve, 2_500)); // the time without API server is the scenario
  await nodes.startApi();
  await until("alone", "Failed", phase("Failed"));
  await remove("alone");
});

test("the node says how it is and renews its lease", async () => {
  const node = await nodes.client.nodes.get("node-1");
  expect(node.metadata.labels).toMatchObject({ "kubernetes.io/hostname": "node-1", "kubernetes.io/os": "linux" });
  expect(node.status?.addresses).toEqual([
    { type: "InternalIP", address: "172.30.0.11" },
    { type: "Hostname", address: "node-1" },
  ]);
  expect(Number(node.status?.allocatable?.cpu)).toBeGreaterThan(0);
  const lease = await nodes.client.leases.get("kube-node-lease", "node-1");
  expect(lease.spec).toMatchObject({ holderIdentity: "node-1", leaseDurationSeconds: 40 });
});

describe("the kubelet's door", () => {
  async function ask(identity: string | undefined, path: string): Promise<{ status: number; body: string }> {
    const { layout } = nodes;
    const read = (file: string) => readFileSync(file);
    const who =
      identity === undefined
        ? {}
        : { cert: read(certificateFile(layout, identity)), key: read(keyFile(layout, identity)) };
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const ca = read(certificateFile(layout, pkiNames.ca));
    const options = {
      socketPath: layout.kubeletSocket("node-1"),
      path,
      ca,
      ...who,
      checkServerIdentity: () => undefined,
    };
    const outgoing = request(options, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on("error", reject);
    outgoing.end();
    return promise;
  }

  test("opens to the API server alone", async () => {
    expect(await ask(pkiNames.apiServerKubeletClient, "/healthz")).toEqual({ status: 200, body: "ok" });
    expect(JSON.parse((await ask(pkiNames.apiServerKubeletClient, "/pods")).body)).toMatchObject({ kind: "PodList" });
    expect(await ask(pkiNames.apiServerKubeletClient, "/exec/default/x/main")).toEqual({
      status: 400,
      body: "Upgrade request required",
    });
    expect((await ask(pkiNames.apiServerKubeletClient, "/containerLogs/default/nope/main")).body).toBe(
      'pod "nope" does not exist',
    );
    expect((await ask(pkiNames.kubelet("node-2"), "/pods")).status).toBe(403);
    await expect(ask(undefined, "/healthz")).rejects.toThrow();
  });
});

test("without namespaces a node runs plain processes, and says so", async () => {
  // Bound before the node is there: it must not be refused by a node that has not said yet what it can hold.
  await create("simple", { nodeName: "plain", restartPolicy: "Never", containers: [shell("echo at $POD_IP; exit 5")] });
  await nodes.kubelet("plain", 3, "process");
  const pod = await until("simple", "Failed", phase("Failed"));
  expect(pod.status?.podIP).toMatch(/^127\./);
  expect(await logs("simple")).toEqual([`at ${pod.status?.podIP}`]);
  const node = await nodes.client.nodes.get("plain");
  const isolated = node.status?.conditions?.find(({ type }) => type === "ContainersIsolated");
  expect(isolated).toMatchObject({ status: "False", reason: "PlainProcesses" });
  expect(isolated?.message).toContain("no isolation");
  await remove("simple");
});
