import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../base/mod.ts";
import type { Pod } from "../controlplane/api/mod.ts";
import { Client, InformerFactory, isConflict, isNotFound } from "../controlplane/client/mod.ts";
import { eventually } from "./support/eventually.ts";

// A real API server and a real controller manager, killed again and again; the test itself is the nodes.

const completions = 1000;
const parallelism = 50;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

let folder: string;
let apiServer: ChildProcess;
let manager: ChildProcess | undefined;
let client: Client;

function startManager(): ChildProcess {
  const kubeconfig = join(folder, "controller-manager.kubeconfig");
  const args = ["cli/controller-manager.ts", "--kubeconfig", kubeconfig, "--leader-elect", "false"];
  return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
}

async function kill(child: ChildProcess | undefined, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flotilla-jobs-"));
  const store = existsSync("/usr/bin/etcd") ? [] : ["--memory"];
  apiServer = spawn(process.execPath, ["scripts/dev-apiserver.ts", "--dir", folder, ...store], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = createInterface({ input: apiServer.stdout as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    output.on("line", (line) => line.startsWith("export KUBECONFIG") && resolve());
    apiServer.once("exit", () => reject(new Error("the API server ended before it was ready")));
  });
  client = await Client.fromKubeconfig(join(folder, "kubeconfig"));
});

afterAll(async () => {
  await kill(manager, "SIGKILL");
  await client?.close();
  await kill(apiServer, "SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

test(`a thousand completions are counted exactly although the controllers are killed (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const stopping = new AbortController();
  const informers = new InformerFactory({ log: () => undefined });
  const pods = informers.informer(client.pods, { namespace: "default" });
  const outcomes = { Succeeded: 0, Failed: 0 };
  const succeededIndexes: string[] = [];
  let active = 0;
  let mostActive = 0;
  const finish = async (pod: Pod) => {
    // A twentieth fails, long ago: nobody waits for the next try.
    const phase = random.below(20) === 0 ? "Failed" : "Succeeded";
    const state = { terminated: { exitCode: phase === "Failed" ? 1 : 0, finishedAt: "2020-01-01T00:00:00Z" } };
    const containerStatuses = [{ name: "c", ready: false, restartCount: 0, image: "x", imageID: "x", state }];
    const patch = { status: { phase, containerStatuses } };
    try {
      await client.pods.patch("default", pod.metadata.name, "strategic", patch, { subresource: "status" });
      outcomes[phase]++;
      if (phase === "Succeeded")
        succeededIndexes.push(pod.metadata.annotations?.["batch.kubernetes.io/job-completion-index"] ?? "");
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    active--;
  };
  const finishing: Promise<void>[] = [];
  pods.addHandler({
    onAdd: (pod) => {
      mostActive = Math.max(mostActive, ++active);
      finishing.push(delay(random.below(50)).then(() => finish(pod)));
    },
  });
  informers.start(stopping.signal);
  await pods.synced();
  manager = startManager();
  const template = { spec: { restartPolicy: "Never" as const, containers: [{ name: "c", image: "x" }] } };
  await client.jobs.create({
    metadata: { name: "many", namespace: "default" },
    spec: { completions, parallelism, completionMode: "Indexed", backoffLimit: 1_000_000, template },
  });
  const isDone = async () => {
    const { status } = await client.jobs.get("default", "many");
    return status?.conditions?.some(({ type, status: value }) => type === "Complete" && value === "True")
      ? status
      : undefined;
  };
  const killer = (async () => {
    for (let kills = 0; kills < 5; kills++) {
      await delay(500 + random.below(800));
      if (stopping.signal.aborted || (await isDone()) !== undefined) return;
      await kill(manager, "SIGKILL");
      manager = startManager();
    }
  })();
  const status = await eventually("the Job is complete", isDone, 60_000, 100);
  stopping.abort(new Error("the test is over"));
  await killer;
  await Promise.all(finishing);
  await informers.stopped();
  expect(status).toMatchObject({ succeeded: completions, completedIndexes: `0-${completions - 1}` });
  expect(status.failed ?? 0).toBe(outcomes.Failed);
  expect(outcomes.Succeeded).toBe(completions);
  expect(new Set(succeededIndexes).size, "no index is completed twice").toBe(completions);
  expect(mostActive, "never more than the allowed parallelism").toBeLessThanOrEqual(parallelism);
}, 90_000);
