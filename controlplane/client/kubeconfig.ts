import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Failure } from "../../base/mod.ts";

/** Where an API server is and who we are to it. */
export interface Connection {
  /** Base URL, for example `https://127.0.0.1:6443`. */
  readonly server: string;
  /** Connect here instead of to the URL's host and port; TLS still checks the URL's host name. */
  readonly socketPath?: string;
  /** PEM. */
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  readonly token?: string;
  /** Read again when a minute old: projected tokens rotate. */
  readonly tokenFile?: string;
  /** Name to check the server's certificate against, when it is not the URL's host. */
  readonly serverName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** The context's default namespace. */
  readonly namespace?: string;
}

interface NamedEntry<T> {
  readonly name: string;
  readonly value: T;
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(path: string, why: string): Failure {
  return new Failure("InvalidKubeconfig", `kubeconfig ${path}: ${why}`, "Check the file or name another one.");
}

/** Entries of `clusters`, `users` or `contexts`: `[{ name, cluster: {…} }]`. */
function named(config: Fields, list: string, field: string): NamedEntry<Fields>[] {
  const entries = config[list];
  if (!Array.isArray(entries)) return [];
  return entries
    .filter(isFields)
    .map((entry) => ({ name: String(entry.name), value: isFields(entry[field]) ? entry[field] : {} }));
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** `<name>-data` (base64, inline) wins over `<name>` (a file, relative to the kubeconfig's folder), as in client-go. */
async function inlineOrFile(fields: Fields, name: string, folder: string): Promise<Uint8Array | undefined> {
  const inline = text(fields, `${name}-data`);
  if (inline !== undefined) return Buffer.from(inline, "base64");
  const file = text(fields, name);
  if (file === undefined) return undefined;
  try {
    return await readFile(resolve(folder, file));
  } catch (error) {
    throw new Failure(
      "UnreadableCredential",
      `cannot read ${name} ${resolve(folder, file)}: ${(error as Error).message}`,
      "Check the path in the kubeconfig and the file's permissions.",
      error,
    );
  }
}

/**
 * Reads one context of a kubeconfig file (YAML or JSON).
 * Throws Failure: KubeconfigNotFound, InvalidKubeconfig, UnreadableCredential.
 */
export async function loadKubeconfig(path: string, options: { context?: string } = {}): Promise<Connection> {
  let source: string;
  try {
    source = await readFile(path, "utf8");
  } catch (error) {
    throw new Failure(
      "KubeconfigNotFound",
      `cannot read kubeconfig ${path}: ${(error as Error).message}`,
      "Name an existing file with --kubeconfig.",
      error,
    );
  }
  const config = await parse(path, source);
  const contextName = options.context ?? text(config, "current-context");
  const contexts = named(config, "contexts", "context");
  const context = contexts.find((entry) => entry.name === contextName)?.value;
  if (context === undefined) {
    throw invalid(path, contextName === undefined ? "no current-context is set" : `no context named "${contextName}"`);
  }
  const cluster = named(config, "clusters", "cluster").find((entry) => entry.name === context.cluster)?.value;
  const server = cluster && text(cluster, "server");
  if (cluster === undefined || server === undefined)
    throw invalid(path, `no cluster named "${String(context.cluster)}"`);
  const user = named(config, "users", "user").find((entry) => entry.name === context.user)?.value ?? {};
  for (const unsupported of ["exec", "auth-provider", "username"]) {
    if (user[unsupported] !== undefined) {
      throw invalid(path, `user "${String(context.user)}" signs in by "${unsupported}", which is not supported`);
    }
  }
  const folder = dirname(path);
  const tokenFile = text(user, "tokenFile");
  return {
    server,
    ca: await inlineOrFile(cluster, "certificate-authority", folder),
    cert: await inlineOrFile(user, "client-certificate", folder),
    key: await inlineOrFile(user, "client-key", folder),
    token: text(user, "token"),
    tokenFile: tokenFile === undefined ? undefined : resolve(folder, tokenFile),
    serverName: text(cluster, "tls-server-name"),
    insecureSkipTlsVerify: cluster["insecure-skip-tls-verify"] === true,
    namespace: text(context, "namespace"),
  };
}

/** JSON is read without the YAML library, which costs a component two megabytes. */
async function parse(path: string, source: string): Promise<Fields> {
  let config: unknown;
  try {
    config = source.trimStart().startsWith("{") ? JSON.parse(source) : (await import("yaml")).parse(source);
  } catch (error) {
    throw invalid(path, (error as Error).message);
  }
  if (!isFields(config)) throw invalid(path, "it does not hold a mapping");
  return config;
}
