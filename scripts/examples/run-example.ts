import { chownSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parse, stringify } from "yaml";
import type { Ground } from "./ground.ts";
import { isKept, onlyLooks } from "./promise.ts";
import type { Example, Step } from "./read-example.ts";
import { type Said, Shell } from "./shell.ts";

/** How long a promise may take to come true, and how long a command that changes something may run. */
const promiseMs = 60_000;
const commandMs = 90_000;
const lookAgainMs = 250;

export interface Outcome {
  readonly ms: number;
  /** Why it failed, and what the namespace looked like then; absent when all was as promised. */
  readonly failure: string | undefined;
}

class BrokenPromise extends Error {}

/** Types what the README says, in a namespace with the example's name, and removes that afterwards. */
export async function runExample(example: Example, ground: Ground): Promise<Outcome> {
  const startedAt = performance.now();
  const kubeconfig = kubeconfigFor(example.name, ground);
  const newShell = async () => {
    const fresh = new Shell([...ground.as, `KUBECONFIG=${kubeconfig}`], ground.directory);
    await mustSucceed(fresh, ground.prelude);
    return fresh;
  };
  let shell = await newShell();
  const failures: string[] = [];
  try {
    await mustSucceed(shell, `kubectl create namespace ${example.name}`);
    // Pods are admitted once their namespace has its account.
    await mustSucceed(shell, "kubectl wait --for=create serviceaccount/default --timeout=30s");
    for (const step of example.steps) await follow(shell, step);
  } catch (error) {
    // The shell may be waiting for a command without end.
    await shell.end();
    shell = await newShell();
    failures.push((error as Error).message, await lookAround(shell, example));
  }
  try {
    for (const step of example.afterwards) await follow(shell, step);
  } catch (error) {
    failures.push(`afterwards: ${(error as Error).message}`);
  }
  await shell.end();
  // Commands may have turned the shell to another cluster.
  shell = await newShell();
  try {
    await removeNamespace(shell, example.name);
  } catch (error) {
    failures.push(`its namespace stays: ${(error as Error).message}`);
  }
  await shell.end();
  return {
    ms: performance.now() - startedAt,
    failure: failures.length === 0 ? undefined : `${example.name} on ${ground.runtime}: ${failures.join("\n")}`,
  };
}

/** The administrator's, with the example's namespace as the one that commands mean. */
function kubeconfigFor(namespace: string, ground: Ground): string {
  const config = parse(readFileSync(ground.kubeconfig, "utf8")) as { contexts: { context: object }[] };
  const contexts = config.contexts.map((named) => ({ ...named, context: { ...named.context, namespace } }));
  const file = join(ground.scratch, `${namespace}.kubeconfig`);
  writeFileSync(file, stringify({ ...config, contexts }), { mode: 0o600 });
  const { uid, gid } = statSync(ground.scratch);
  chownSync(file, uid, gid);
  return file;
}

async function mustSucceed(shell: Shell, command: string): Promise<void> {
  const { code, output } = await shell.run(command, commandMs);
  if (code !== 0) throw new BrokenPromise(`$ ${command}\n${output}(exit code ${code})`);
}

async function follow(shell: Shell, { command, promise, line }: Step): Promise<void> {
  const deadline = performance.now() + promiseMs;
  for (;;) {
    const said = await shell.run(command, commandMs);
    if (isAsPromised(said, promise)) return;
    if (!onlyLooks(command) || promise === undefined || performance.now() > deadline) {
      const promised = promise === undefined ? "exit code 0" : promise.join("\n");
      throw new BrokenPromise(
        `README.md:${line}\n$ ${command}\n--- promised\n${promised}\n--- seen (exit code ${said.code})\n${said.output}---`,
      );
    }
    await delay(lookAgainMs);
  }
}

function isAsPromised({ code, output }: Said, promise: readonly string[] | undefined): boolean {
  return promise === undefined ? code === 0 : isKept(promise, output);
}

async function lookAround(shell: Shell, { name }: Example): Promise<string> {
  const questions = [
    "kubectl get all,persistentvolumeclaims,ingresses -o wide",
    "kubectl get events --sort-by=.lastTimestamp",
    "kubectl describe pods",
    'for pod in $(kubectl get pods -o name); do echo "== $pod"; kubectl logs --all-containers --prefix --tail=20 $pod; done',
  ];
  const answers = [];
  for (const question of questions) {
    try {
      const { output } = await shell.run(question.replaceAll("kubectl", `kubectl -n ${name}`), commandMs);
      answers.push(`$ ${question}\n${output}`);
    } catch (error) {
      answers.push(`$ ${question}\n${(error as Error).message}`);
    }
  }
  return answers.join("\n");
}

/** Pods need not be given their time to end: nobody waits for their answers any more. */
async function removeNamespace(shell: Shell, name: string): Promise<void> {
  await mustSucceed(shell, `kubectl delete namespace ${name} --wait=false`);
  await mustSucceed(shell, `kubectl -n ${name} delete pods --all --grace-period=1 --wait=false`);
  await mustSucceed(shell, `kubectl wait --for=delete namespace/${name} --timeout=60s`);
}
