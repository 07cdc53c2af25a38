import type { AuthConfig } from "../../runtime/cri.ts";
import { parseImageReference } from "../reference.ts";

/** What a Secret of type kubernetes.io/dockerconfigjson holds. */
interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
}

interface AuthEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/**
 * The credentials for an image out of the texts of docker configurations (`.dockerconfigjson`, or the older `.dockercfg`, which is the map of
 * hosts alone), the most specific path first, to be tried in order (pkg/credentialprovider). Throws SyntaxError for what is not JSON.
 */
export function credentialsFor(image: string, configs: readonly string[]): readonly AuthConfig[] {
  const reference = parseImageReference(image);
  if (reference === undefined) return [];
  const found = configs.flatMap((text) => {
    const config = JSON.parse(text) as DockerConfig & Record<string, AuthEntry>;
    return Object.entries((config.auths ?? config) as Record<string, AuthEntry>)
      .map(([key, entry]) => ({ pattern: patternOf(key), key, entry }))
      .filter(({ pattern }) => matches(pattern, reference.repository));
  });
  return found.sort((a, b) => b.pattern.length - a.pattern.length).map(({ key, entry }) => authOf(key, entry));
}

/** Hosts stand there as URLs or bare; Docker's own has an old name. */
function patternOf(key: string): string {
  const bare = key.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  return bare.replace(/^(index\.docker\.io|registry-1\.docker\.io)(\/v[12])?$/, "docker.io").replace(/\/v[12]$/, "");
}

/** `*.example.com/team` covers example repositories below: parts of the host may be globs, the path is a prefix of whole parts. */
function matches(pattern: string, repository: string): boolean {
  const [wantedHost, ...wantedPath] = pattern.split("/") as [string, ...string[]];
  const [host, ...path] = repository.split("/") as [string, ...string[]];
  const wantedLabels = wantedHost.split(".");
  const labels = host.split(".");
  if (wantedLabels.length !== labels.length) return false;
  const glob = (text: string) => new RegExp(`^${text.split("*").map(RegExp.escape).join(".*")}$`);
  if (!wantedLabels.every((label, i) => glob(label).test(labels[i] as string))) return false;
  return wantedPath.every((part, i) => part === path[i]);
}

function authOf(serverAddress: string, entry: AuthEntry): AuthConfig {
  const decoded = entry.auth === undefined ? "" : Buffer.from(entry.auth, "base64").toString();
  const colon = decoded.indexOf(":");
  const username = entry.username ?? (colon === -1 ? "" : decoded.slice(0, colon));
  const password = entry.password ?? (colon === -1 ? "" : decoded.slice(colon + 1).replace(/\0+$/, ""));
  return {
    serverAddress,
    username,
    password,
    ...(entry.identitytoken === undefined ? {} : { identityToken: entry.identitytoken }),
    ...(entry.registrytoken === undefined ? {} : { registryToken: entry.registrytoken }),
  };
}
