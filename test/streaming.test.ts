import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { Agent, get as httpGet } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { Attach, Cp, Exec, KubeConfig, Log, PortForward, type V1Status } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { Conversations } from "./support/conversation.ts";
import { eventually } from "./support/eventually.ts";
import { helpersOf, socketsOf } from "./support/sessions.ts";

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);
const programs = new Conversations(() => cluster.kubectlEnvironment());
const scratch = mkdtempSync(join(tmpdir(), "flotilla-streams-"));
const overSpdy = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" };
const protocols = [
  ["WebSocket", {}],
  ["SPDY", overSpdy],
] as const;

/** Answers with a MiB for each /big/N, a redirection, or what was asked. */
const server = `
require("node:http").createServer((request, response) => {
  if (request.url.startsWith("/big/")) return response.end(Buffer.alloc(1048576 * Number(request.url.slice(5)), 7));
  if (request.url === "/moved") return response.writeHead(302, { location: "/here?really" }).end();
  let bytes = 0;
  request.on("data", (chunk) => { bytes += chunk.length; });
  request.on("end", () => response.end([request.method, request.url, bytes].join(" ")));
}).on("upgrade", (request, socket, head) => {
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n");
  socket.write(head);
  socket.pipe(socket);
}).listen(8080, process.env.BIND);`;

const container = (command: readonly string[], more: object = {}) => ({
  name: "main",
  image: "host",
  command,
  ...more,
});
const pod = (name: string, main: object, labels: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: { terminationGracePeriodSeconds: 0, containers: [main] },
});
/** Unlike any other command of this machine: by it the container is found among all processes. */
const waiting = ["sleep", `${1_000_000 + process.pid}`];
/** Says each line again on both streams. */
const parrot = "while read line; do echo out $line; echo err $line >&2; done; echo end";

beforeAll(async () => {
  await cluster.up("--nodes", "1", "--members", "1");
  const bind = (value: string) => ({ env: [{ name: "BIND", value }], ports: [{ containerPort: 8080, name: "http" }] });
  const web = { app: "web" };
  const objects = [
    pod("shell", container(waiting)),
    pod("parrot", container(["sh", "-c", parrot], { stdin: true })),
    pod("terminal", container(["sh"], { stdin: true, tty: true })),
    // Nobody reaches it from outside the pod.
    pod("private", container(["node", "-e", server], bind("127.0.0.1"))),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: {
        selector: { matchLabels: web },
        template: {
          metadata: { labels: web },
          spec: { terminationGracePeriodSeconds: 0, containers: [container(["node", "-e", server], bind("0.0.0.0"))] },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { selector: web, ports: [{ name: "web", port: 80, targetPort: "http" }] },
    },
  ];
  await cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  await kubectl("wait", "pod", "--all", "--for=condition=Ready", "--timeout=30s");
});

afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await cluster.remove();
});

/** Commands that run in the container `shell` besides its own. */
function inShell(): string[] {
  const namespaces = new Map<string, string[]>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/pid`);
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      namespaces.set(namespace, [...(namespaces.get(namespace) ?? []), command]);
    } catch {
      // It ended meanwhile.
    }
  }
  const own = [...namespaces.values()].find((commands) => commands.includes(waiting.join(" ")));
  return (own ?? []).filter((command) => command !== waiting.join(" ") && command !== "");
}

afterEach(async () => {
  await programs.end();
  await settles("no command is left", () => expect(inShell()).toEqual([]));
});

/** Until `check` no longer throws. */
function settles(what: string, check: () => unknown, timeoutMs?: number): Promise<true> {
  return eventually(
    what,
    async () => {
      await check();
      return true as const;
    },
    timeoutMs,
  );
}

const onTerminal = (command: string) => programs.onTerminal(`kubectl ${command}`);

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("kubectl exec", () => {
  test.each(protocols)("over %s: output by stream, exit code, five megabytes there and back", async (_name, env) => {
    const script = "echo out; echo err >&2; exit 3";
    const { code, stdout, stderr } = await cluster.tryKubectl(["exec", "shell", "--", "sh", "-c", script], { env });
    expect([code, stdout, stderr]).toEqual([3, "out\n", "err\ncommand terminated with exit code 3\n"]);

    const data = randomBytes(5_000_000);
    const echo = programs.with("kubectl", ["exec", "-i", "shell", "--", "cat"], env);
    const back: Buffer[] = [];
    echo.child.stdout?.on("data", (chunk: Buffer) => back.push(chunk));
    echo.child.stdin?.end(data);
    expect(await echo.exited).toBe(0);
    expect(sha256(Buffer.concat(back))).toBe(sha256(data));
  });

  const older = globSync("/usr/lib/google-cloud-sdk/bin/kubectl.1.*");
  test(`kubectl of other versions (${older.length} are here)`, async () => {
    await Promise.all(
      older.map(async (program) => {
        const args = ["exec", "-i", "shell", "--", "sh", "-c", "cat; exit 4"];
        const session = programs.with(program, args);
        session.child.stdin?.end("hello\n");
        expect([program, await session.exited, session.output]).toEqual([
          program,
          4,
          "hello\ncommand terminated with exit code 4\n",
        ]);
      }),
    );
  });

  test("on a terminal: its size, changes of it, job control, exit code", async () => {
    const session = onTerminal("exec -it shell -- sh");
    const [terminal] = await session.hears(/\/dev\/pts\/\d+/);
    // The size comes on a stream of its own, a moment after the command has begun.
    await session.asks("echo at $(tty) $(stty size)\n", /at \/dev\/pts\/\d+ 31 97/);
    spawnSync("stty", ["-F", terminal, "rows", "40", "cols", "120"]);
    await session.asks("echo now $(stty size)\n", /now 40 120/);
    session.says("sleep 1000\n");
    await settles("the command runs", () => expect(inShell()).toContain("sleep 1000"));
    session.says("\x03");
    await settles("Control-C ends it", () => expect(inShell()).not.toContain("sleep 1000"));
    session.says("exit 7\n");
    expect(await session.exited).toBe(7);
  });

  test("what cannot be is told: no such container, command, pod", async () => {
    const refused = async (...args: string[]) => (await cluster.tryKubectl(args)).stderr;
    expect(await refused("exec", "shell", "-c", "other", "--", "ls")).toContain(
      "container other is not valid for pod shell",
    );
    expect(await refused("exec", "gone", "--", "ls")).toContain('pods "gone" not found');
    expect(await refused("exec", "shell", "--", "nothing-of-that-name")).toContain("nothing-of-that-name");
  });

  test.each([["exec shell -- sleep 2000"], ["exec -it shell -- sleep 2000"]])(
    "%s: a client that is killed takes its command along",
    async (command) => {
      const session = onTerminal(command);
      await settles("the command runs", () => expect(inShell()).toContain("sleep 2000"));
      await session.end();
    },
  );

  test("input that nobody reads does not hide that its client was killed", async () => {
    const sessions = protocols.map(([, env]) =>
      programs.with("kubectl", ["exec", "-i", "shell", "--", "sleep", "2000"], env),
    );
    await settles("the commands run", () => expect(inShell()).toEqual(["sleep 2000", "sleep 2000"]));
    for (const { child } of sessions) {
      child.stdin?.write(Buffer.alloc(64 << 20));
      await settles("its input waits", () => expect(child.stdin?.writableLength).toBeGreaterThan(0));
    }
    await Promise.all(sessions.map((session) => session.end()));
  });
});

describe("kubectl attach, run and cp", () => {
  test("attach hears and is heard; a second client, over SPDY, too", async () => {
    const first = programs.with("kubectl", ["attach", "-i", "-q", "parrot"]);
    const second = programs.with("kubectl", ["attach", "-i", "-q", "parrot"], overSpdy);
    await settles("both are attached", () => {
      first.says("one\n");
      second.says("two\n");
      for (const { output } of [first, second])
        for (const word of ["out one", "err two"]) expect(output).toContain(word);
    });
    for (const session of [first, second]) {
      session.child.stdin?.end();
      expect(await session.exited).toBe(0);
    }
    expect(await kubectl("logs", "parrot")).toContain("err one");
  });

  test("a terminal outlives its clients and its kubelet", async () => {
    const before = onTerminal("attach -it -q terminal");
    before.says("kept=yes\n");
    await before.asks("stty size\n", /31 97/);
    await before.end();
    process.kill(await cluster.pidOf("node-1"), "SIGKILL");
    const again = await eventually("the kubelet is back", async () => {
      const session = onTerminal("attach -it -q terminal");
      session.says("echo still $kept\n");
      await Promise.race([session.hears(/still yes/), session.exited]);
      return session.output.includes("still yes") ? session : undefined;
    });
    await again.end();
    const { items } = await cluster.get<{ items: { status: { containerStatuses: { restartCount: number }[] } }[] }>(
      "pods",
    );
    expect(items.flatMap(({ status }) => status.containerStatuses.map((one) => one.restartCount))).toEqual(
      items.map(() => 0),
    );
  });

  test("run --rm -i ends with the command's code, when input ends", async () => {
    const args = ["run", "once", "--rm", "-i", "-q", "--restart=Never", "--image=host", "--command", "--"];
    const session = programs.with("kubectl", [...args, "sh", "-c", "cat; exit 5"]);
    session.child.stdin?.end("from here\n");
    expect(await session.exited).toBe(5);
    expect(session.output).toContain("from here");
  });

  test("run --rm -it is a shell on a terminal", async () => {
    const session = onTerminal("run visit --rm -it --restart=Never --image=host --command -- sh");
    await session.hears(/command prompt|# /);
    await session.asks("echo size $(stty size)\n", /size 31 97/);
    session.says("exit 6\n");
    expect(await session.exited).toBe(6);
    expect(session.output).toContain('pod "visit" deleted');
  });

  test("cp takes files and directories there and back", async () => {
    const from = join(scratch, "from");
    mkdirSync(join(from, "deep"), { recursive: true });
    const files = { a: "a\n", "deep/b": randomBytes(300_000).toString("hex") };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(from, name), text);
    await kubectl("cp", from, "shell:/root/copied");
    await kubectl("cp", "shell:/root/copied", join(scratch, "back"));
    await kubectl("cp", "shell:/root/copied/a", join(scratch, "a"));
    for (const [name, text] of Object.entries(files))
      expect(readFileSync(join(scratch, "back", name), "utf8")).toBe(text);
    expect(readFileSync(join(scratch, "a"), "utf8")).toBe(files.a);
  });
});

/** GET; resolves with the body. */
function get(port: number, path: string, agent?: Agent): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  httpGet({ host: "127.0.0.1", port, path, agent }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => resolve(Buffer.concat(chunks)));
    response.on("error", reject);
  }).on("error", reject);
  return promise;
}

async function forwarding<T>(
  target: string,
  env: Record<string, string>,
  use: (port: number) => Promise<T>,
): Promise<T> {
  const [name, port] = target.split(" ") as [string, string];
  const session = programs.with("kubectl", ["port-forward", name, `:${port}`, "-v=4"], env);
  try {
    const [, local] = await session.hears(/127\.0\.0\.1:(\d+)/);
    // It would try SPDY where it cannot speak what it should.
    expect(session.output).not.toContain("fallback");
    return await use(Number(local));
  } finally {
    await session.end("SIGTERM");
  }
}

describe("kubectl port-forward", () => {
  test.each(protocols)("over %s: kept connections, twenty at once, ten megabytes", async (_name, env) => {
    await forwarding("svc/web 80", env, async (port) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (const path of ["/1", "/2", "/3"]) expect(String(await get(port, path, agent))).toBe(`GET ${path} 0`);
      agent.destroy();
      const all = Array.from({ length: 20 }, (_, i) => get(port, `/big/${i === 0 ? 10 : 1}`));
      expect((await Promise.all(all)).map((body) => body.length / 1_048_576)).toEqual([10, ...Array(19).fill(1)]);
    });
  });

  test("to a deployment, and to what only the pod's own loopback address reaches", async () => {
    for (const target of ["deploy/web 8080", "pod/private 8080"])
      await forwarding(target, {}, async (port) => expect(String(await get(port, "/"))).toBe("GET / 0"));
  });

  test("a port nobody listens on is told", async () => {
    const session = programs.with("kubectl", ["port-forward", "pod/shell", ":81"]);
    const [, local] = await session.hears(/127\.0\.0\.1:(\d+)/);
    await expect(get(Number(local), "/")).rejects.toThrow();
    await session.hears(/ECONNREFUSED|connection refused/);
    await session.end("SIGTERM");
  });
});

describe("proxies", () => {
  const at = "/api/v1/namespaces/default";

  test("services, pods and nodes answer through the API server", async () => {
    const web = (await kubectl("get", "pod", "-l", "app=web", "-o", "name")).trim().replace("pod/", "");
    expect(await kubectl("get", "--raw", `${at}/services/http:web:80/proxy/a/b?c=d`)).toBe("GET /a/b?c=d 0");
    expect(await kubectl("get", "--raw", `${at}/services/web:web/proxy/`)).toBe("GET / 0");
    expect(await kubectl("get", "--raw", `${at}/pods/${web}/proxy/x`)).toBe("GET /x 0");
    expect(await kubectl("get", "--raw", "/api/v1/nodes/node-1/proxy/healthz")).toBe("ok");
    writeFileSync(join(scratch, "body"), "12345");
    expect(await kubectl("create", "--raw", `${at}/pods/${web}:8080/proxy/x`, "-f", join(scratch, "body"))).toBe(
      "POST /x 5",
    );
  });

  test("redirections lead through the proxy, upgrades are passed on", async () => {
    const proxy = programs.with("kubectl", ["proxy", "--port=0"]);
    try {
      const [, text] = (await proxy.hears(/127\.0\.0\.1:(\d+)/)) as unknown as [string, string];
      const port = Number(text);
      const location = Promise.withResolvers<string | undefined>();
      httpGet({ host: "127.0.0.1", port, path: `${at}/services/web:web/proxy/moved` }, (response) => {
        location.resolve(response.headers.location);
        response.resume();
      }).on("error", location.reject);
      expect(await location.promise).toBe(`${at}/services/web:web/proxy/here?really`);
      const socket = connect(port, "127.0.0.1");
      const path = `${at}/services/web:web/proxy/echo`;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
      let heard = "";
      for await (const chunk of socket) {
        heard += chunk;
        // Not before: what comes with the request, kubectl's proxy loses.
        if (heard.endsWith("\r\n\r\n")) socket.write("hello");
        if (heard.endsWith("hello")) socket.end();
      }
      expect(heard).toMatch(/^HTTP\/1.1 101 .*\r\n\r\nhello$/s);
    } finally {
      await proxy.end("SIGTERM");
    }
  });
});

describe("@kubernetes/client-node", () => {
  const config = () => {
    const kubeconfig = new KubeConfig();
    kubeconfig.loadFromFile(cluster.kubectlEnvironment().KUBECONFIG as string);
    return kubeconfig;
  };
  const collect = () => {
    const stream = new PassThrough();
    const heard = { text: "", stream };
    stream.on("data", (chunk: Buffer) => {
      heard.text += chunk;
    });
    return heard;
  };

  test("exec, with input and exit code", async () => {
    const [out, err] = [collect(), collect()];
    const done = Promise.withResolvers<V1Status>();
    const input = Readable.from([Buffer.from("said\n")]);
    const command = ["sh", "-c", "read word; echo heard $word; echo e >&2; exit 9"];
    await new Exec(config()).exec(
      "default",
      "shell",
      "main",
      command,
      out.stream,
      err.stream,
      input,
      false,
      done.resolve,
    );
    const status = await done.promise;
    expect([out.text, err.text, status.reason]).toEqual(["heard said\n", "e\n", "NonZeroExitCode"]);
    expect(status.details?.causes?.[0]).toEqual({ reason: "ExitCode", message: "9" });
  });

  test("attach", async () => {
    const out = collect();
    const input = new PassThrough();
    const socket = await new Attach(config()).attach("default", "parrot", "main", out.stream, null, input, false);
    input.write("by library\n");
    await settles("it is said again", () => expect(out.text).toContain("out by library"));
    socket.close();
  });

  test("port-forward", async () => {
    const forward = new PortForward(config());
    const listener = createServer((socket) => {
      socket.on("error", () => undefined);
      void forward.portForward("default", "private", [8080], socket, null, socket);
    });
    await new Promise<void>((resolve) => void listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as { port: number };
    expect(String(await get(port, "/library", new Agent()))).toBe("GET /library 0");
    expect((await get(port, "/big/3", new Agent())).length).toBe(3 * 1_048_576);
    listener.close();
  });

  test("cp", async () => {
    writeFileSync(join(scratch, "by-library"), "copied\n");
    const from = join(scratch, "only");
    mkdirSync(from);
    writeFileSync(join(from, "file"), "copied\n");
    await new Cp(config()).cpToPod("default", "shell", "main", from, "/root");
    await settles("the file is there", async () =>
      expect(await kubectl("exec", "shell", "--", "cat", "/root/file")).toBe("copied\n"),
    );
    await new Cp(config()).cpFromPod("default", "shell", "main", "file", join(scratch, "got"), "/root");
    await settles("the file is here", () =>
      expect(readFileSync(join(scratch, "got", "file"), "utf8")).toBe("copied\n"),
    );
  });

  test("log, followed", async () => {
    const out = collect();
    await new Log(config()).log("default", "parrot", "main", out.stream, { follow: true });
    await settles("it is told", () => expect(out.text).toContain("out by library"));
    await kubectl("delete", "pod", "parrot");
    await settles("it ends with the container", () => expect(out.stream.writableFinished).toBe(true));
  });
});

test("afterwards nothing of any session is left: no helper, no socket", async () => {
  const [agent, server] = await Promise.all(["node-1", "apiserver"].map((name) => cluster.pidOf(name)));
  const sockets = () => [agent, server].map((pid) => socketsOf(pid as number));
  await settles("helpers leave", () => expect(helpersOf(agent as number)).toEqual([]));
  const before = sockets();
  await Promise.all(Array.from({ length: 5 }, () => kubectl("exec", "shell", "--", "true")));
  await forwarding("svc/web 80", {}, (port) => get(port, "/"));
  // One connection of another client may have come meanwhile.
  await eventually("as many sockets as before", () => sockets().every((now, i) => now <= (before[i] as number) + 1));
});
