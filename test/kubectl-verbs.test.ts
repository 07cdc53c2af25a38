import { createHash, randomBytes } from "node:crypto";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Node, Pod } from "../controlplane/api/mod.ts";
import { TestCluster } from "./support/cluster.ts";
import { Conversations } from "./support/conversation.ts";
import { eventually } from "./support/eventually.ts";
import { run } from "./support/processes.ts";
import { helpersOf, socketsOf } from "./support/sessions.ts";

const cluster = new TestCluster();
const programs = new Conversations(() => cluster.kubectlEnvironment());
const scratch = mkdtempSync(join(tmpdir(), "flotilla-verbs-"));
/** The one of this machine, and an older one where there is one. */
const clients = ["kubectl", ...globSync("/usr/lib/google-cloud-sdk/bin/kubectl.1.27")];
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Serves /bytes/N: as many zeros. */
const server = `require("node:http").createServer((request, response) => {
  response.end(Buffer.alloc(Number(request.url.split("/")[2] ?? 0)));
}).listen(8080, () => console.log("listening"));`;

const container = (command: readonly string[], more: object = {}) => ({
  name: "main",
  image: "host",
  command,
  ...more,
});
const sleep = ["sh", "-c", "trap exit TERM; sleep 100000 & wait"];
/** Where no drain and no taint takes it away. */
const onFirstNode = { nodeSelector: { "kubernetes.io/hostname": "node-1" } };
const podSpec = (main: object, more: object = {}) => ({
  terminationGracePeriodSeconds: 1,
  containers: [main],
  ...more,
});
const pod = (name: string, main: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name } },
  spec: podSpec(main, more),
});
const workload = (kind: string, name: string, main: object, more: object = {}, pods: object = {}) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec(main, pods) },
    ...more,
  },
});
const list = (...items: object[]) => JSON.stringify({ apiVersion: "v1", kind: "List", items });

/** What a namespace for one version of kubectl holds. */
const objects = () => [
  pod("shell", container(sleep), onFirstNode),
  pod("terminal", container(["sh"], { stdin: true, tty: true }), onFirstNode),
  pod("crash", container(["sh", "-c", 'echo "run at $(cat /proc/uptime)"; exit 3']), onFirstNode),
  workload("Deployment", "web", container(["node", "-e", server], { ports: [{ containerPort: 8080, name: "http" }] }), {
    replicas: 2,
  }),
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web" },
    spec: { minAvailable: 2, selector: { matchLabels: { app: "web" } } },
  },
];

beforeAll(async () => {
  await cluster.up("--nodes", "2", "--members", "1");
  const busy = container(["sh", "-c", "while :; do :; done"], {
    resources: { requests: { cpu: "50m" }, limits: { cpu: "100m" } },
  });
  await cluster.apply(
    list(workload("Deployment", "busy", busy), workload("DaemonSet", "everywhere", container(sleep))),
  );
  await cluster.kubectl("autoscale", "deployment", "busy", "--cpu-percent=50", "--min=1", "--max=2");
});

afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await cluster.remove();
});

afterEach(() => programs.end());

describe.each(clients)("%s", (program) => {
  const namespace = `client-${clients.indexOf(program)}`;
  const inNamespace = ["-n", namespace];
  const attempt = (...args: string[]) => run(program, [...inNamespace, ...args], { env: cluster.kubectlEnvironment() });
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await attempt(...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} exited with ${code}:\n${stdout}${stderr}`);
    return stdout;
  };
  const talk = (...args: string[]) => programs.with(program, [...inNamespace, ...args]);
  const onTerminal = (command: string) => programs.onTerminal(`${program} ${inNamespace.join(" ")} ${command}`);
  const pods = async (...args: string[]) =>
    (JSON.parse(await kubectl("get", "pods", "-o", "json", ...args)) as { items: Pod[] }).items;

  beforeAll(async () => {
    await cluster.kubectl("create", "namespace", namespace);
    await cluster.apply(list(...objects()), ...inNamespace);
    await kubectl("wait", "pod", "-l", "app!=crash", "--for=condition=Ready", "--timeout=30s");
  });

  test("exec -it and attach -it are shells on a terminal of the client's size", async () => {
    const command = onTerminal("exec -it shell -- sh");
    await command.asks("stty size\n", /31 97/);
    command.says("exit 4\n");
    expect(await command.exited).toBe(4);

    const attached = onTerminal("attach -it terminal");
    await attached.asks("stty size\n", /31 97/);
    attached.says("echo $((6 * 7))\n");
    await attached.hears(/42\r/);
    await attached.end();
  });

  test("cp: a tree and fifty megabytes, there and back", async () => {
    const from = join(scratch, namespace, "from");
    mkdirSync(join(from, "deep", "empty"), { recursive: true });
    const large = randomBytes(50_000_000);
    writeFileSync(join(from, "deep", "large"), large);
    writeFileSync(join(from, "a b"), "with a blank\n");
    await kubectl("cp", from, "shell:/root/tree");
    expect(await kubectl("exec", "shell", "--", "sha256sum", "/root/tree/deep/large")).toContain(sha256(large));
    expect(await kubectl("exec", "shell", "--", "ls", "/root/tree/deep")).toBe("empty\nlarge\n");
    const back = join(scratch, namespace, "back");
    await kubectl("cp", "shell:/root/tree", back, "--retries=3");
    expect(sha256(readFileSync(join(back, "deep", "large")))).toBe(sha256(large));
    expect(readFileSync(join(back, "a b"), "utf8")).toBe("with a blank\n");
    // Nothing more is certain: kubectl may end with tar's empty archive, before it prints what tar complains of.
    await attempt("cp", "shell:/root/nothing", join(scratch, namespace, "nothing"));
    expect(existsSync(join(scratch, namespace, "nothing"))).toBe(false);
  });

  test("port-forward: several ports and connections at once, thirty megabytes on one of them", async () => {
    const session = talk("port-forward", "svc/web", ":80");
    const [, port = ""] = await session.hears(/127\.0\.0\.1:(\d+)/);
    const sizes = [30_000_000, ...Array.from({ length: 9 }, (_, i) => i * 1000)];
    expect(await Promise.all(sizes.map((size) => download(Number(port), `/bytes/${size}`)))).toEqual(sizes);
    await session.end("SIGINT");
  });

  test("run --rm -it, run --rm -i: gone afterwards, with the command's exit code", async () => {
    const shell = onTerminal("run visit --rm -it --restart=Never --image=host --command -- sh");
    await shell.asks("stty size\n", /31 97/);
    shell.says("exit 6\n");
    expect(await shell.exited).toBe(6);
    expect(shell.output).toContain('pod "visit" deleted');
    const piped = talk("run", "once", "--rm", "-i", "--restart=Never", "--image=host", "--command", "--", "sort");
    piped.child.stdin?.end("b\na\n");
    expect(await piped.exited).toBe(0);
    expect(piped.output).toContain("a\nb\n");
    expect(
      (await pods("--field-selector=metadata.name!=shell")).filter(({ metadata }) =>
        /visit|once/.test(metadata.name ?? ""),
      ),
    ).toEqual([]);
  });

  test("debug: a container beside another sees its processes; its exit code is in the pod's status", async () => {
    const session = onTerminal("debug shell -it --image=host --target=main -c doctor -- sh");
    await session.asks("ps ax -o args | grep [s]leep; stty size\n", /sleep 100000.*31 97/s);
    session.says("exit 5\n");
    await session.exited;
    const status = await eventually("it has ended", async () =>
      (await pods("-l", "app=shell"))[0]?.status?.ephemeralContainerStatuses?.find(({ state }) => state?.terminated),
    );
    expect([status.name, status.state?.terminated?.exitCode]).toEqual(["doctor", 5]);
  });

  test("debug: a copy of a pod with another command; the node itself", async () => {
    const copy = talk("debug", "crash", "-i", "--copy-to=copy", "--container=main", "--", "cat");
    await copy.asks("still alive\n", /still alive/);
    await copy.end();
    await kubectl("delete", "pod", "copy", "--now");

    const node = onTerminal("debug node/node-2 -it --image=host -- sh");
    const [, name = ""] = await node.hears(/Creating debugging pod (\S+) with container debugger on node node-2/);
    await node.asks("ip -4 -o addr; ls -d /host/proc/1\n", /172\.30\.0\.12\/.*\/host\/proc\/1/s);
    node.says("exit\n");
    await node.exited;
    await kubectl("delete", "pod", name, "--now");
  });

  test("logs: followed to the end, of the container before, of many pods with their names", async () => {
    const lines = "i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); sleep 0.1; done";
    await kubectl("run", "teller", "--image=host", "--restart=Never", "--command", "--", "sh", "-c", lines);
    await kubectl("wait", "pod/teller", "--for=jsonpath={.status.containerStatuses[0].started}=true").catch(() => "");
    expect(await kubectl("logs", "-f", "teller")).toBe("line 0\nline 1\nline 2\nline 3\nline 4\n");
    expect(await kubectl("logs", "teller", "--tail=1", "--timestamps")).toMatch(/^\d{4}-\S+Z line 4\n$/);

    const [before, now] = await eventually("it has crashed twice", async () => {
      const [previous, current] = [await attempt("logs", "crash", "--previous"), await attempt("logs", "crash")];
      return previous.stdout !== "" && current.stdout !== "" && [previous.stdout, current.stdout];
    });
    expect(before).toMatch(/^run at \d+/);
    expect(before).not.toBe(now);

    await cluster.apply(
      list(pod("early", container(["true"], { envFrom: [{ configMapRef: { name: "none" } }] }))),
      ...inNamespace,
    );
    await eventually("it cannot be made", async () =>
      (await attempt("logs", "early")).stderr.startsWith(
        'Error from server (BadRequest): container "main" in pod "early" is waiting to start: CreateContainerConfigError',
      ),
    );

    const names = (await pods("-l", "app=web")).map(({ metadata }) => metadata.name);
    expect((await kubectl("logs", "-l", "app=web", "--prefix")).trim().split("\n").sort()).toEqual(
      names.map((name) => `[pod/${name}/main] listening`).sort(),
    );
  });

  test("rollout: status, history, undo, pause, resume, restart", async () => {
    const replicas = async (value: string) =>
      (await pods("-l", "app=web")).filter(
        ({ metadata, spec }) =>
          metadata.deletionTimestamp === undefined && (spec.containers[0]?.env?.[0]?.value ?? "") === value,
      ).length;
    const deployed = () => kubectl("rollout", "status", "deployment/web", "--timeout=60s");
    await kubectl("set", "env", "deployment/web", "COLOUR=blue");
    expect(await deployed()).toContain("successfully rolled out");
    expect(await replicas("blue")).toBe(2);
    expect(await kubectl("rollout", "history", "deployment/web")).toMatch(/^1 +<none>\n2 +<none>$/m);
    expect(await kubectl("rollout", "history", "deployment/web", "--revision=2")).toMatch(/COLOUR:\s+blue/);

    await kubectl("rollout", "undo", "deployment/web");
    await deployed();
    expect(await replicas("")).toBe(2);
    expect(await kubectl("rollout", "history", "deployment/web")).toMatch(/^2 +<none>\n3 +<none>$/m);
    await kubectl("rollout", "undo", "deployment/web", "--to-revision=2");
    await deployed();
    expect(await replicas("blue")).toBe(2);

    await kubectl("rollout", "pause", "deployment/web");
    await kubectl("set", "env", "deployment/web", "COLOUR=green");
    const refusal = await attempt("rollout", "restart", "deployment/web");
    expect(refusal.stderr).toContain("can't restart paused deployment");
    expect(await replicas("green")).toBe(0);
    await kubectl("rollout", "resume", "deployment/web");
    await deployed();
    expect(await replicas("green")).toBe(2);

    const before = (await pods("-l", "app=web")).map(({ metadata }) => metadata.uid);
    await kubectl("rollout", "restart", "deployment/web");
    await deployed();
    const after = (await pods("-l", "app=web")).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(after.filter(({ metadata }) => before.includes(metadata.uid))).toEqual([]);
  });

  test("rollout of a DaemonSet: status, history, undo", async () => {
    const everywhere = ["daemonset/everywhere", "-n", "default"];
    const colour = () =>
      kubectl("get", ...everywhere, "-o", "jsonpath={.spec.template.spec.containers[0].env[*].value}");
    const before = await colour();
    await kubectl("set", "env", ...everywhere, `COLOUR=${namespace}`);
    expect(await kubectl("rollout", "status", ...everywhere, "--timeout=60s")).toContain("successfully rolled out");
    expect((await kubectl("rollout", "history", ...everywhere)).trim().split("\n").length).toBeGreaterThan(3);
    await kubectl("rollout", "undo", ...everywhere);
    await kubectl("rollout", "status", ...everywhere, "--timeout=60s");
    expect(await colour()).toBe(before);
  });

  test("wait: for a condition, a field, a deletion; and not for ever", async () => {
    await kubectl("run", "brief", "--image=host", "--restart=Never", "--command", "--", "sleep", "0.2");
    await kubectl("wait", "pod/brief", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=30s");
    const late = await attempt("wait", "pod/brief", "--for=condition=Ready", "--timeout=1s");
    expect([late.code, late.stderr]).toEqual([1, "error: timed out waiting for the condition on pods/brief\n"]);
    const deletion = talk("wait", "pod/brief", "--for=delete", "--timeout=30s");
    await kubectl("delete", "pod", "brief");
    expect(await deletion.exited).toBe(0);
    await kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=30s");
  });

  test("events: of one object, of a type, and as they come", async () => {
    const watching = talk("events", "--watch");
    await watching.hears(/Scheduled/);
    await kubectl("run", "eventful", "--image=host", "--restart=Never", "--command", "--", "true");
    await watching.hears(/Started\s+Pod\/eventful/);
    await watching.end();
    const ofPod = await kubectl("events", "--for", "pod/eventful");
    for (const reason of ["Scheduled", "Created", "Started"]) expect(ofPod).toContain(reason);
    expect(ofPod).not.toContain("Pod/shell");
    expect(await kubectl("events", "--types=Warning")).toMatch(/BackOff\s+Pod\/crash/);
    await kubectl("delete", "pod", "eventful", "teller");
  });

  test("cordon, uncordon, drain: a disruption budget holds, and gives way", async () => {
    const drain = ["drain", "node-2", "--ignore-daemonsets", "--delete-emptydir-data"];
    await kubectl("cordon", "node-2");
    expect(await kubectl("get", "node", "node-2")).toContain("Ready,SchedulingDisabled");
    await kubectl("uncordon", "node-2");
    expect(await kubectl("get", "node", "node-2")).not.toContain("SchedulingDisabled");
    // Some of them have to be there.
    await eventually("a pod of web is on node-2", async () => {
      const there = await pods("-l", "app=web", "--field-selector=spec.nodeName=node-2,status.phase=Running");
      if (there.length > 0) return true;
      await kubectl("rollout", "restart", "deployment/web");
      await kubectl("rollout", "status", "deployment/web");
      return false;
    });
    await kubectl(
      "run",
      "single",
      "--image=host",
      `--overrides={"spec":{"nodeName":"node-2"}}`,
      "--command",
      "--",
      ...sleep,
    );
    await kubectl("wait", "pod/single", "--for=condition=Ready");

    const careful = await attempt(...drain, "--timeout=3s");
    expect([careful.code, careful.stderr]).toEqual([1, expect.stringContaining("declare no controller")]);
    const held = await attempt(...drain, "--force", "--timeout=3s");
    expect([held.code, held.stderr]).toEqual([
      1,
      expect.stringContaining("Cannot evict pod as it would violate the pod's disruption budget"),
    ]);
    await kubectl("patch", "pdb", "web", "-p", '{"spec":{"minAvailable":1}}');
    expect(await kubectl(...drain, "--force", "--timeout=30s")).toContain("node/node-2 drained");
    const left = await pods("--all-namespaces", "--field-selector=spec.nodeName=node-2");
    expect(left.map(({ metadata }) => metadata.ownerReferences?.[0]?.kind)).toEqual(["DaemonSet"]);
    await kubectl("rollout", "status", "deployment/web", "--timeout=60s");
    await kubectl("uncordon", "node-2");
  });

  test("taint: NoSchedule keeps pods away, NoExecute evicts who does not tolerate it", async () => {
    const there = { nodeSelector: { "kubernetes.io/hostname": "node-2" } };
    const tolerant = {
      ...there,
      tolerations: [{ key: "state", operator: "Equal", value: "ill", effect: "NoExecute" }],
    };
    await cluster.apply(
      list(pod("healthy", container(sleep), there), pod("tolerant", container(sleep), tolerant)),
      ...inNamespace,
    );
    await kubectl("wait", "pod/healthy", "pod/tolerant", "--for=condition=Ready", "--timeout=30s");
    await kubectl("taint", "nodes", "node-2", "state=ill:NoExecute", "closed:NoSchedule");
    await kubectl("wait", "pod/healthy", "--for=delete", "--timeout=30s");
    await cluster.apply(list(pod("late", container(sleep), there)), ...inNamespace);
    await kubectl("wait", "pod/late", "--for=jsonpath={.status.conditions[0].reason}=Unschedulable", "--timeout=30s");
    expect((await pods("-l", "app=tolerant"))[0]?.status?.phase).toBe("Running");
    await kubectl("taint", "nodes", "node-2", "state=ill:NoExecute-", "closed-");
    const node = JSON.parse(await kubectl("get", "node", "node-2", "-o", "json")) as Node;
    expect(node.spec?.taints ?? []).toEqual([]);
    await kubectl("wait", "pod/late", "--for=condition=Ready", "--timeout=30s");
    await kubectl("delete", "pod", "late", "tolerant", "--now");
  });

  test("top: nodes, pods, and containers", async () => {
    const nodes = await kubectl("top", "nodes");
    expect(nodes).toMatch(/^node-1 +\d+m +\d+% +\d+Mi +\d+%/m);
    expect(nodes).toMatch(/^node-2 +\d+m/m);
    await eventually("there are figures", async () => {
      const usage = await kubectl("top", "pods", "--containers", "-n", "default", "-l", "app=busy");
      const [, milli = "0"] = /^busy-\S+ +main +(\d+)m +\d+Mi/m.exec(usage) ?? [];
      return Number(milli) > 20;
    });
    expect(await kubectl("top", "pod", "shell")).toMatch(/^shell +\d+m +\d+Mi/m);
  });
});

test("autoscale: a deployment that is busy grows to its limit", async () => {
  await cluster.kubectl("wait", "hpa/busy", "--for=jsonpath={.status.desiredReplicas}=2", "--timeout=60s");
  await cluster.kubectl("rollout", "status", "deployment/busy", "--timeout=30s");
  expect(await cluster.kubectl("get", "hpa", "busy")).toMatch(/cpu: \d+%\/50% +1 +2 +2/);
  expect(await cluster.kubectl("describe", "hpa", "busy")).toContain("SuccessfulRescale");
});

test("no session left anything: no helper of a node, no socket", async () => {
  const [first, second, server] = await Promise.all(
    ["node-1", "node-2", "apiserver"].map((name) => cluster.pidOf(name)),
  );
  for (const agent of [first, second] as number[])
    await eventually("helpers leave", () => helpersOf(agent).length === 0);
  const sockets = () => [first, server].map((pid) => socketsOf(pid as number));
  const before = sockets();
  const exec = () => cluster.kubectl("exec", "-n", "client-0", "shell", "--", "true");
  await Promise.all(Array.from({ length: 10 }, exec));
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
