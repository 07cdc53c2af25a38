import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { Failure } from "../../../../base/mod.ts";

/** Where images come from when their name alone does not say so. */
export interface RegistryConfig {
  /** By host of the image's name: base URLs to ask first, in order. The registry itself comes last. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  /** Hosts (`name:port`) reached by HTTPS without checking their certificate, else by plain HTTP. */
  readonly insecure: readonly string[];
}

export const noRegistryConfig: RegistryConfig = { mirrors: {}, insecure: [] };

/**
 * Reads `--registry-config` (undefined: none): YAML or JSON with `mirrors: {host: [url, …]}` and `insecure: [host, …]`, to which the hosts of
 * `--insecure-registry` are added. Throws Failure.
 */
export function readRegistryConfig(file: string | undefined, alsoInsecure: readonly string[] = []): RegistryConfig {
  const { mirrors, insecure } = file === undefined ? noRegistryConfig : parseRegistryConfig(file);
  return { mirrors, insecure: [...insecure, ...alsoInsecure] };
}

function parseRegistryConfig(file: string): RegistryConfig {
  const wrong = (what: string, cause?: unknown) =>
    new Failure(
      "RegistryConfigInvalid",
      `${file}: ${what}`,
      "Write `mirrors: {host: [url]}` and `insecure: [host]`",
      cause,
    );
  let document: unknown;
  try {
    document = parse(readFileSync(file, "utf8")) ?? {};
  } catch (error) {
    throw wrong((error as Error).message, error);
  }
  if (typeof document !== "object" || document === null) throw wrong("not a map");
  const { mirrors = {}, insecure = [], ...unknown } = document as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) throw wrong(`unknown field ${stranger}`);
  if (!isStrings(insecure)) throw wrong("insecure is a list of hosts");
  if (typeof mirrors !== "object" || mirrors === null || !Object.values(mirrors).every(isStrings))
    throw wrong("mirrors maps hosts to lists of URLs");
  for (const url of Object.values(mirrors as Record<string, string[]>).flat())
    if (!URL.canParse(url)) throw wrong(`mirror ${JSON.stringify(url)} is no URL`);
  return { mirrors: mirrors as RegistryConfig["mirrors"], insecure };
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

/** One place to ask for a repository. */
export interface Endpoint {
  /** With scheme, without a slash at the end. */
  readonly base: string;
  /** The registry itself, not a mirror: only it is shown credentials. */
  readonly isOrigin: boolean;
  readonly verifyTls: boolean;
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** Endpoints of a registry in the order to try. Loopback speaks plain HTTP, as with Docker and containerd. */
export function endpointsOf(host: string, { mirrors, insecure }: RegistryConfig): readonly Endpoint[] {
  const verifyTls = (name: string) => !insecure.includes(name);
  const own = host === "docker.io" ? "registry-1.docker.io" : host;
  const origin = (scheme: string): Endpoint => ({
    base: `${scheme}://${own}`,
    isOrigin: true,
    verifyTls: verifyTls(host),
  });
  return [
    ...(mirrors[host] ?? []).map((url) => ({
      base: url.replace(/\/+$/, ""),
      isOrigin: false,
      verifyTls: verifyTls(new URL(url).host),
    })),
    ...(loopback.test(host)
      ? [origin("http")]
      : insecure.includes(host)
        ? [origin("https"), origin("http")]
        : [origin("https")]),
  ];
}
