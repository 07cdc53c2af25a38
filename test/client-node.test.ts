import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  ApiException,
  AppsV1Api,
  Attach,
  AutoscalingV2Api,
  CoreV1Api,
  Cp,
  Exec,
  KubeConfig,
  type KubernetesObject,
  Log,
  Metrics,
  makeInformer,
  PatchStrategy,
  PolicyV1Api,
  PortForward,
  setHeaderOptions,
  topNodes,
  topPods,
  type V1Deployment,
  type V1Pod,
  type V1Status,
  type V2HorizontalPodAutoscaler,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { helpersOf, socketsOf } from "./support/sessions.ts";

const cluster = new TestCluster();
const scratch = mkdtempSync(join(tmpdir(), "flotilla-library-"));
const config = new KubeConfig();
const namespace = "default";
const strategic = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
let core: CoreV1Api;
let apps: AppsV1Api;

/** Serves /N: as many zeros. */
const server = `require("node:http").createServer((request, response) => {
  response.end(Buffer.alloc(Number(request.url.slice(1))));
}).listen(8080);`;

const sleep = ["sh", "-c", "trap exit TERM; sleep 100000 & wait"];
const podSpec = (command: readonly string[], more: object = {}, container: object = {}) => ({
  terminationGracePeriodSeconds: 1,
  containers: [{ name: "main", image: "host", command: [...command], ...container }],
  ...more,
});
const pod = (name: string, spec: V1Pod["spec"]): V1Pod => ({ metadata: { name, labels: { app: name } }, spec });
const on = (node: string) => ({ nodeSelector: { "kubernetes.io/hostname": node } });
const deployment = (name: string, replicas: number, spec: V1Pod["spec"]): V1Deployment => ({
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec },
  },
});

/** Watches objects of a path, from the first on, until one fits. */
async function until<T extends KubernetesObject>(
  path: string,
  query: Record<string, string>,
  fits: (object: T, type: string) => boolean,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const late = setTimeout(() => reject(new Error(`nothing that fits at ${path} ${JSON.stringify(query)}`)), 60_000);
  const watch = await new Watch(config).watch(
    path,
    query,
    (type, object: T) => fits(object, type) && resolve(object),
    (error) => reject(error ?? new Error("the watch ended")),
  );
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    watch.abort();
  }
}

const podsPath = `/api/v1/namespaces/${namespace}/pods`;
const named = (name: string) => ({ fieldSelector: `metadata.name=${name}` });
const untilPod = (name: string, fits: (pod: V1Pod) => boolean) => until<V1Pod>(podsPath, named(name), fits);
const isReady = ({ status }: V1Pod) =>
  status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
const untilGone = async (name: string) => {
  // A watch tells what is there before what happens: who is gone already is never heard of.
  const { items, metadata } = await core.listNamespacedPod({ namespace, ...named(name) });
  const since = { ...named(name), resourceVersion: metadata?.resourceVersion ?? "" };
  if (items.length > 0) await until<V1Pod>(podsPath, since, (_pod, type) => type === "DELETED");
};
const untilRolledOut = (name: string) =>
  until<V1Deployment>(
    `/apis/apps/v1/namespaces/${namespace}/deployments`,
    named(name),
    ({ metadata, spec, status }) => {
      const { observedGeneration = 0, replicas, updatedReplicas, availableReplicas } = status ?? {};
      const all = [replicas, updatedReplicas, availableReplicas].every((count) => count === spec?.replicas);
      return observedGeneration >= (metadata?.generation ?? 0) && all;
    },
  );

function collect() {
  const stream = new PassThrough();
  const heard = { text: "", stream };
  stream.on("data", (chunk: Buffer) => {
    heard.text += chunk;
  });
  return heard;
}

async function execute(podName: string, command: string[], container = "main") {
  const [out, err] = [collect(), collect()];
  const done = Promise.withResolvers<V1Status>();
  await new Exec(config).exec(
    namespace,
    podName,
    container,
    command,
    out.stream,
    err.stream,
    null,
    false,
    done.resolve,
  );
  const status = await done.promise;
  return { status, out: out.text, err: err.text };
}

beforeAll(async () => {
  await cluster.up("--nodes", "2", "--members", "1");
  config.loadFromFile(cluster.kubectlEnvironment().KUBECONFIG as string);
  core = config.makeApiClient(CoreV1Api);
  apps = config.makeApiClient(AppsV1Api);
  const busy = podSpec(
    ["sh", "-c", "while :; do :; done"],
    {},
    {
      resources: { requests: { cpu: "50m" }, limits: { cpu: "100m" } },
    },
  );
  await apps.createNamespacedDeployment({ namespace, body: deployment("busy", 1, busy) });
  await apps.createNamespacedDeployment({ namespace, body: deployment("web", 2, podSpec(sleep)) });
  for (const body of [
    pod("shell", podSpec(sleep, on("node-1"))),
    pod("server", podSpec(["node", "-e", server], on("node-1"))),
    pod("crash", podSpec(["sh", "-c", 'echo "run at $(cat /proc/uptime)"; exit 3'], on("node-1"))),
  ])
    await core.createNamespacedPod({ namespace, body });
  await config.makeApiClient(AutoscalingV2Api).createNamespacedHorizontalPodAutoscaler({
    namespace,
    body: {
      metadata: { name: "busy" },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "busy" },
        minReplicas: 1,
        maxReplicas: 2,
        metrics: [
          { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
        ],
      },
    },
  });
  await Promise.all(["shell", "server"].map((name) => untilPod(name, isReady)));
  await untilRolledOut("web");
});

afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await cluster.remove();
});

describe("sessions", () => {
  test("exec on a terminal that has and changes its size", async () => {
    const out = collect();
    const window = Object.assign(out.stream, { rows: 31, columns: 97 });
    const input = new PassThrough();
    const done = Promise.withResolvers<V1Status>();
    await new Exec(config).exec(namespace, "shell", "main", ["sh"], window, null, input, true, done.resolve);
    const sizeIs = (size: string) =>
      eventually(`the size is ${size}`, () => {
        input.write("stty size\n");
        return out.text.includes(size);
      });
    await sizeIs("31 97");
    Object.assign(window, { rows: 40, columns: 120 }).emit("resize");
    await sizeIs("40 120");
    input.write("exit 7\n");
    expect((await done.promise).details?.causes).toEqual([{ reason: "ExitCode", message: "7" }]);
  });

  test("cp: a tree with fifty megabytes, there and back", async () => {
    const from = join(scratch, "from");
    mkdirSync(join(from, "deep"), { recursive: true });
    const large = randomBytes(50_000_000);
    writeFileSync(join(from, "deep", "large"), large);
    await execute("shell", ["mkdir", "/root/tree"]);
    await new Cp(config).cpToPod(namespace, "shell", "main", from, "/root/tree");
    // The library does not say when it is done.
    const size = ["stat", "-c", "%s", "/root/tree/deep/large"];
    await eventually("it is there", async () => (await execute("shell", size)).out === "50000000\n");
    expect((await execute("shell", ["sha256sum", "/root/tree/deep/large"])).out).toContain(sha256(large));
    const back = join(scratch, "back");
    await new Cp(config).cpFromPod(namespace, "shell", "main", "deep/large", back, "/root/tree");
    await eventually("it is here", () => statSync(join(back, "deep", "large")).size === large.length);
    expect(sha256(readFileSync(join(back, "deep", "large")))).toBe(sha256(large));
  });

  test("port-forward: ten connections at once, thirty megabytes on one of them", async () => {
    const forward = new PortForward(config);
    const listener = createServer((socket) => {
      socket.on("error", () => undefined);
      void forward.portForward(namespace, "server", [8080], socket, null, socket);
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    const sizes = [30_000_000, ...Array.from({ length: 9 }, (_, i) => i * 1000)];
    expect(await Promise.all(sizes.map((size) => download(port, `/${size}`)))).toEqual(sizes);
    listener.close();
  });

  test("run and attach: a pod that is spoken to, with an exit code, and deleted", async () => {
    const spoken = podSpec(
      ["sh", "-c", "read word; echo heard $word; read word; exit 6"],
      { restartPolicy: "Never" },
      {
        stdin: true,
        stdinOnce: true,
      },
    );
    await core.createNamespacedPod({ namespace, body: pod("visit", spoken) });
    await untilPod("visit", isReady);
    const out = collect();
    const input = new PassThrough();
    const socket = await new Attach(config).attach(namespace, "visit", "main", out.stream, null, input, false);
    const closed = once(socket, "close");
    input.write("hello\n");
    await eventually("it answers", () => out.text === "heard hello\n");
    input.end();
    await closed;
    const ended = await untilPod("visit", ({ status }) => status?.phase === "Failed");
    expect(ended.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(6);
    await core.deleteNamespacedPod({ namespace, name: "visit" });
    await untilGone("visit");
  });

  test("an ephemeral container sees the processes of the one it is for", async () => {
    const body = {
      spec: { ephemeralContainers: [{ name: "doctor", image: "host", command: sleep, targetContainerName: "main" }] },
    };
    await core.patchNamespacedPodEphemeralcontainers({ namespace, name: "shell", body }, strategic);
    await untilPod("shell", ({ status }) => status?.ephemeralContainerStatuses?.[0]?.state?.running !== undefined);
    const { out } = await execute("shell", ["ps", "ax", "-o", "args"], "doctor");
    expect(out.match(/^sleep 100000$/gm)?.length).toBe(2);
  });

  test("logs: of the container before; followed to the end", async () => {
    const previous = await eventually("it has crashed", async () => {
      const out = collect();
      await new Log(config).log(namespace, "crash", "main", out.stream, { previous: true });
      await once(out.stream, "finish");
      return out.text;
    });
    expect(previous).toMatch(/^run at \d+/);
    const lines = podSpec(["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"], { restartPolicy: "Never" });
    await core.createNamespacedPod({ namespace, body: pod("teller", lines) });
    await untilPod("teller", ({ status }) => status?.phase !== "Pending");
    const out = collect();
    await new Log(config).log(namespace, "teller", "main", out.stream, { follow: true });
    await once(out.stream, "finish");
    expect(out.text).toBe("1\n2\n3\n");
  });
});

describe("workloads", () => {
  const env = (value: string) => ({
    spec: { template: { spec: { containers: [{ name: "main", env: [{ name: "COLOUR", value }] }] } } },
  });
  const patch = (body: object) => apps.patchNamespacedDeployment({ namespace, name: "web", body }, strategic);
  const coloured = async (value: string) => {
    const { items } = await core.listNamespacedPod({ namespace, labelSelector: "app=web" });
    return items.filter(
      ({ metadata, spec }) =>
        metadata?.deletionTimestamp === undefined && spec?.containers[0]?.env?.[0]?.value === value,
    ).length;
  };

  test("rollout by patch: new pods, history, pause, resume, restart, and back", async () => {
    await patch(env("blue"));
    await untilRolledOut("web");
    expect(await coloured("blue")).toBe(2);
    const { items } = await apps.listNamespacedReplicaSet({ namespace, labelSelector: "app=web" });
    const revisions = items.map(({ metadata }) => metadata?.annotations?.["deployment.kubernetes.io/revision"]);
    expect(revisions.sort()).toEqual(["1", "2"]);

    await patch({ spec: { paused: true } });
    await patch(env("green"));
    await until<V1Deployment>(
      `/apis/apps/v1/namespaces/${namespace}/deployments`,
      named("web"),
      ({ metadata, status }) => status?.observedGeneration === metadata?.generation,
    );
    expect(await coloured("green")).toBe(0);
    await patch({ spec: { paused: false } });
    await untilRolledOut("web");
    expect(await coloured("green")).toBe(2);

    const restartedAt = { "kubectl.kubernetes.io/restartedAt": "2030-01-01T00:00:00Z" };
    await patch({ spec: { template: { metadata: { annotations: restartedAt } } } });
    await untilRolledOut("web");
    // Back: the template of the older ReplicaSet becomes the Deployment's again.
    const older = items.find(({ metadata }) => metadata?.annotations?.["deployment.kubernetes.io/revision"] === "2");
    const { "pod-template-hash": _hash, ...labels } = older?.spec?.template?.metadata?.labels ?? {};
    const template = { ...older?.spec?.template, metadata: { labels } };
    const replace = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
    const body = [{ op: "replace", path: "/spec/template", value: template }];
    await apps.patchNamespacedDeployment({ namespace, name: "web", body }, replace);
    const { metadata } = await untilRolledOut("web");
    expect(await coloured("blue")).toBe(2);
    expect(metadata?.annotations?.["deployment.kubernetes.io/revision"]).toBe("5");
  });

  test("an informer tells of pods that come, change and go, and keeps what is there", async () => {
    const list = () => core.listNamespacedPod({ namespace, labelSelector: "app=brief" });
    const informer = makeInformer(config, podsPath, list, "app=brief");
    const told: string[] = [];
    const deleted = Promise.withResolvers<void>();
    informer.on("add", ({ metadata }) => void told.push(`add ${metadata?.name}`));
    informer.on("update", ({ status }) => void told.push(`update ${status?.phase}`));
    informer.on("delete", () => deleted.resolve());
    informer.on("error", deleted.reject);
    await informer.start();
    await core.createNamespacedPod({ namespace, body: pod("brief", podSpec(["true"], { restartPolicy: "Never" })) });
    await eventually("it has succeeded", () => told.includes("update Succeeded"));
    expect(told[0]).toBe("add brief");
    expect(informer.get("brief", namespace)?.status?.phase).toBe("Succeeded");
    await core.deleteNamespacedPod({ namespace, name: "brief" });
    await deleted.promise;
    expect(informer.list()).toEqual([]);
    await informer.stop();
  });
});

describe("nodes", () => {
  const patchNode = (body: object) => core.patchNode({ name: "node-2", body }, strategic);
  const onSecond = async (labelSelector?: string) =>
    (await core.listNamespacedPod({ namespace, labelSelector, fieldSelector: "spec.nodeName=node-2" })).items;

  test("cordon, and drain by evictions that a disruption budget holds back", async () => {
    const policy = config.makeApiClient(PolicyV1Api);
    const budget = { minAvailable: 2, selector: { matchLabels: { app: "web" } } };
    await policy.createNamespacedPodDisruptionBudget({ namespace, body: { metadata: { name: "web" }, spec: budget } });
    await until(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, named("web"), (object) => {
      const { status } = object as { status?: { currentHealthy?: number } };
      return status?.currentHealthy === 2;
    });
    // One of them has to be there: the other node takes none for a moment.
    await core.patchNode({ name: "node-1", body: { spec: { unschedulable: true } } }, strategic);
    await apps.patchNamespacedDeployment({ namespace, name: "web", body: { spec: { replicas: 3 } } }, strategic);
    await untilRolledOut("web");
    await core.patchNode({ name: "node-1", body: { spec: { unschedulable: null } } }, strategic);
    await policy.patchNamespacedPodDisruptionBudget(
      { namespace, name: "web", body: { spec: { minAvailable: 3 } } },
      strategic,
    );
    await until(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, named("web"), (object) => {
      const { status } = object as { status?: { desiredHealthy?: number } };
      return status?.desiredHealthy === 3;
    });

    await patchNode({ spec: { unschedulable: true } });
    const evict = (name: string) =>
      core.createNamespacedPodEviction({ namespace, name, body: { metadata: { name, namespace } } });
    const [held] = await onSecond("app=web");
    const refusal = await evict(held?.metadata?.name ?? "").catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ApiException);
    expect((refusal as ApiException<unknown>).code).toBe(429);
    await policy.patchNamespacedPodDisruptionBudget(
      { namespace, name: "web", body: { spec: { minAvailable: 2 } } },
      strategic,
    );
    for (const { metadata } of await onSecond()) {
      const name = metadata?.name ?? "";
      await eventually(`${name} may go`, () =>
        evict(name).then(
          () => true,
          (error: ApiException<unknown>) => {
            if (error.code === 429) return false;
            throw error;
          },
        ),
      );
      await untilGone(name);
    }
    await untilRolledOut("web");
    expect(await onSecond()).toEqual([]);
    await patchNode({ spec: { unschedulable: null } });
    expect((await core.readNode({ name: "node-2" })).spec?.unschedulable).toBe(undefined);
  });

  test("taints by patch: who does not tolerate them leaves", async () => {
    await core.createNamespacedPod({ namespace, body: pod("healthy", podSpec(sleep, on("node-2"))) });
    await untilPod("healthy", isReady);
    await patchNode({ spec: { taints: [{ key: "state", value: "ill", effect: "NoExecute" }] } });
    await untilGone("healthy");
    await patchNode({ spec: { taints: null } });
    expect((await core.readNode({ name: "node-2" })).spec?.taints).toBe(undefined);
  });

  test("top: what nodes have and pods use", async () => {
    const metrics = new Metrics(config);
    expect((await topNodes(core)).map(({ Node }) => Node.metadata?.name).sort()).toEqual(["node-1", "node-2"]);
    expect((await metrics.getNodeMetrics()).items.map(({ metadata }) => metadata.name).sort()).toEqual([
      "node-1",
      "node-2",
    ]);
    // The drain may have moved it: figures take two samples, ten seconds apart, and then a round of collecting.
    const usage = await eventually(
      "there are figures",
      async () =>
        (await topPods(core, metrics, namespace)).find(
          ({ Pod, CPU }) => Pod.metadata?.labels?.app === "busy" && Number(CPU.CurrentUsage) > 0,
        ),
      60_000,
    );
    expect(usage.Containers.map(({ Container }) => Container)).toEqual(["main"]);
  });
});

test("an autoscaler that was created here has made the busy deployment larger", async () => {
  await until<V2HorizontalPodAutoscaler>(
    `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
    named("busy"),
    ({ status }) => status?.desiredReplicas === 2,
  );
  expect((await untilRolledOut("busy")).status?.replicas).toBe(2);
});

test("no session left anything: no helper of a node, no socket", async () => {
  const [agent, apiserver] = await Promise.all(["node-1", "apiserver"].map((name) => cluster.pidOf(name)));
  await eventually("helpers leave", () => helpersOf(agent as number).length === 0);
  const sockets = () => [agent, apiserver].map((pid) => socketsOf(pid as number));
  const before = sockets();
  await Promise.all(Array.from({ length: 10 }, () => execute("shell", ["true"])));
  // One connection of another client may have come meanwhile.
  await eventually("as many sockets as before", () => sockets().every((now, i) => now <= (before[i] as number) + 1));
});

/** GET; resolves with the length of the body. */
function download(port: number, path: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  httpGet({ host: "127.0.0.1", port, path, agent: false }, (response) => {
    let length = 0;
    response.on("data", (chunk: Buffer) => {
      length += chunk.length;
    });
    response.on("end", () => resolve(length));
    response.on("error", reject);
  }).on("error", reject);
  return promise;
}
