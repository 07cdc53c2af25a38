import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { Failure } from "../../base/mod.ts";
import type { ClusterConfig } from "./config.ts";
import type { Layout } from "./layout.ts";
import { certificateFile, keyFile, pkiNames } from "./pki-files.ts";

interface Named {
  name: string;
}

interface Kubeconfig {
  apiVersion: "v1";
  kind: "Config";
  clusters: (Named & { cluster: Record<string, unknown> })[];
  users: (Named & { user: Record<string, unknown> })[];
  contexts: (Named & { context: Record<string, unknown> })[];
  "current-context": string;
  [other: string]: unknown;
}

export function contextName(cluster: string): string {
  return `flotilla-${cluster}`;
}

function base64(file: string): string {
  return readFileSync(file).toString("base64");
}

/** A kubeconfig that holds everything it needs: no path in it points at another file. */
export function kubeconfigFor(layout: Layout, config: ClusterConfig, identity: string): Kubeconfig {
  const name = contextName(config.name);
  const cluster = {
    server: `https://127.0.0.1:${config.apiPort}`,
    "certificate-authority-data": base64(certificateFile(layout, pkiNames.ca)),
  };
  const user = {
    "client-certificate-data": base64(certificateFile(layout, identity)),
    "client-key-data": base64(keyFile(layout, identity)),
  };
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
}

export function writeKubeconfig(file: string, kubeconfig: Kubeconfig): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  writeFileSync(draft, stringify(kubeconfig), { mode: 0o600 });
  renameSync(draft, file);
}

/** The file kubectl reads by default. */
export function defaultKubeconfig(): string {
  return process.env.KUBECONFIG?.split(":")[0] || join(homedir(), ".kube", "config");
}

function readKubeconfig(file: string): Kubeconfig {
  const empty: Kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [],
    users: [],
    contexts: [],
    "current-context": "",
  };
  if (!existsSync(file)) return empty;
  try {
    return { ...empty, ...(parse(readFileSync(file, "utf8")) as Partial<Kubeconfig> | null) };
  } catch (error) {
    throw new Failure(
      "KubeconfigUnreadable",
      `cannot read ${file}: ${(error as Error).message}`,
      "Repair it, or leave out --merge-kubeconfig",
      error,
    );
  }
}

function replaceNamed<T extends Named>(list: readonly T[] | null, fresh: readonly T[], name: string): T[] {
  return [...(list ?? []).filter((entry) => entry.name !== name), ...fresh];
}

/** Puts the cluster's context into `file` beside what is there, and makes it the current one. */
export function mergeKubeconfig(file: string, kubeconfig: Kubeconfig): void {
  const present = readKubeconfig(file);
  const name = kubeconfig["current-context"];
  writeKubeconfig(file, {
    ...present,
    clusters: replaceNamed(present.clusters, kubeconfig.clusters, name),
    users: replaceNamed(present.users, kubeconfig.users, name),
    contexts: replaceNamed(present.contexts, kubeconfig.contexts, name),
    "current-context": name,
  });
}

/** Takes the cluster's context out of `file` again, if it is there. */
export function unmergeKubeconfig(file: string, cluster: string): void {
  if (!existsSync(file)) return;
  const present = readKubeconfig(file);
  const name = contextName(cluster);
  if (!(present.contexts ?? []).some((context) => context.name === name)) return;
  writeKubeconfig(file, {
    ...present,
    clusters: replaceNamed(present.clusters, [], name),
    users: replaceNamed(present.users, [], name),
    contexts: replaceNamed(present.contexts, [], name),
    "current-context": present["current-context"] === name ? "" : present["current-context"],
  });
}
