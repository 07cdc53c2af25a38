/** An image name in full: `busybox` is `docker.io/library/busybox:latest`. */
export interface ImageReference {
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const domain = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?$/;
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Grammar and defaults of the distribution project's reference package. Undefined: no image name. */
export function parseImageReference(text: string): ImageReference | undefined {
  const [named, digest] = splitOnce(text, "@");
  if (digest !== undefined && !/^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/.test(digest)) return undefined;
  const lastColon = named.lastIndexOf(":");
  const hasTag = lastColon > named.lastIndexOf("/");
  const name = hasTag ? named.slice(0, lastColon) : named;
  const tag = hasTag ? named.slice(lastColon + 1) : undefined;
  if (tag !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag)) return undefined;
  const parts = name.split("/");
  const first = parts[0] as string;
  const isDomain = parts.length > 1 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  const host = isDomain ? (parts.shift() as string) : "docker.io";
  if (!domain.test(host) || parts.some((part) => !component.test(part))) return undefined;
  if (host === "docker.io" && parts.length === 1) parts.unshift("library");
  const repository = `${host}/${parts.join("/")}`;
  return repository.length > 255
    ? undefined
    : { repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** The name in full, as stores and registries know it: repository, then `@digest` or `:tag`. */
export function formatReference({ repository, tag, digest }: ImageReference): string {
  return digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`;
}
