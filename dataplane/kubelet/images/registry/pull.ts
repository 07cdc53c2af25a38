import { closeSync, existsSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { type Clock, pause } from "../../../../base/mod.ts";
import { type AuthConfig, CriError } from "../../runtime/cri.ts";
import { type Digest, digestOf } from "../content-store.ts";
import { ImageError } from "../image-error.ts";
import type { ImageStore, StoredImage } from "../image-store.ts";
import { type Descriptor, isIndex, isManifest, mediaTypes, selectManifest } from "../oci.ts";
import { formatReference, type ImageReference } from "../reference.ts";
import { readDocument } from "./http.ts";
import { endpointsOf, type RegistryConfig } from "./registry-config.ts";
import { RegistryError, Repository } from "./repository.ts";

export interface PullOptions {
  readonly store: ImageStore;
  readonly registries: RegistryConfig;
  readonly clock: Clock;
  readonly auth?: AuthConfig;
  readonly signal?: AbortSignal;
}

const accept = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerList, mediaTypes.dockerManifest].join(", ");
const attempts = 5;
const firstPauseMs = 200;
const blobsAtOnce = 3;

/**
 * Fetches an image for this platform and names it. What is here already is not fetched again, and a blob that broke off goes on where
 * it ended. Every byte is checked against the digest that asked for it. Rejects with CriError, its message in containerd's words.
 */
export async function pullImage(reference: ImageReference, options: PullOptions): Promise<StoredImage> {
  const name = formatReference(reference);
  const slash = reference.repository.indexOf("/");
  const [host, path] = [reference.repository.slice(0, slash), reference.repository.slice(slash + 1)];
  let failure: unknown;
  for (const endpoint of endpointsOf(host, options.registries)) {
    const repository = new Repository(endpoint, path, options.auth, options.signal);
    try {
      return await options.store.adding(async () => {
        const target = await resolve(repository, reference, options);
        await fetchBelow(repository, target, options);
        return options.store.name(name, target, options.clock.now());
      });
    } catch (error) {
      // What the registry itself says outweighs what a mirror said, and an answer outweighs silence.
      if (!(failure instanceof RegistryError) || error instanceof RegistryError) failure = error;
    }
  }
  throw describe(name, failure);
}

/** The digest the name means, with its document in the store. */
async function resolve(repository: Repository, reference: ImageReference, options: PullOptions): Promise<Digest> {
  const { content } = options.store;
  const { digest, tag } = reference;
  if (digest !== undefined && content.has(digest)) return digest;
  return retried(options, async () => {
    const answer = await repository.get(`manifests/${digest ?? tag}`, { accept });
    const bytes = await readDocument(answer.body);
    const announced = digest ?? answer.headers["docker-content-digest"];
    if (typeof announced === "string" && announced.startsWith("sha256:") && announced !== digestOf(bytes))
      throw new ImageError(`unexpected content: the digest is ${digestOf(bytes)}, expected ${announced}`);
    return content.write(bytes);
  });
}

async function fetchBelow(repository: Repository, digest: Digest, options: PullOptions): Promise<void> {
  const { content } = options.store;
  const document: unknown = JSON.parse(content.read(digest).toString());
  if (isIndex(document)) {
    const chosen = selectManifest(document);
    if (chosen === undefined) throw new ImageError(`no match for platform in manifest ${digest}: not found`);
    if (!content.has(chosen.digest))
      await resolve(repository, { repository: "", tag: undefined, digest: chosen.digest }, options);
    return fetchBelow(repository, chosen.digest, options);
  }
  if (!isManifest(document)) throw new ImageError(`${digest} is neither an image nor an index of images`);
  const missing = new Map([document.config, ...document.layers].map((one) => [one.digest, one]));
  const queue = [...missing.values()].filter((one) => !content.has(one.digest)).values();
  const workers = Array.from({ length: blobsAtOnce }, async () => {
    for (const descriptor of queue) await fetchBlob(repository, descriptor, options);
  });
  await Promise.all(workers);
}

async function fetchBlob(repository: Repository, { digest, size }: Descriptor, options: PullOptions): Promise<void> {
  const { content } = options.store;
  const file = content.partial(digest);
  await retried(options, async () => {
    const have = existsSync(file) ? statSync(file).size : 0;
    if (have > size) rmSync(file);
    else if (have < size || size === 0) {
      const answer = await repository.get(`blobs/${digest}`, have > 0 ? { range: `bytes=${have}-` } : {});
      // 200: the registry does not know ranges and starts over.
      await save(answer.body, file, answer.status === 206 ? "a" : "w");
    }
    await content.adopt(file, digest);
  });
}

/** Writes each piece as it comes, so that a transfer that breaks off has lost nothing of what it brought. */
async function save(body: Readable, file: string, flags: "a" | "w"): Promise<void> {
  const fd = openSync(file, flags, 0o600);
  try {
    body.on("data", (chunk: Buffer) => writeSync(fd, chunk));
    await finished(body);
  } finally {
    closeSync(fd);
  }
}

/** Again after what may pass: no answer, a broken transfer, a registry in trouble. */
async function retried<T>({ clock, signal }: PullOptions, body: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body();
    } catch (error) {
      const final = error instanceof RegistryError && error.status < 500 && error.status !== 429;
      // A refused connection will be refused in a second too, and the kubelet comes back by itself.
      const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
      const noWay =
        code !== undefined && ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"].includes(code);
      // Bytes that were not what they should be may have come from a broken transfer, but not twice.
      const last = error instanceof ImageError ? 2 : attempts;
      if (final || noWay || attempt === last || signal?.aborted === true) throw error;
      await pause(clock, firstPauseMs * 2 ** (attempt - 1));
    }
  }
}

function describe(name: string, error: unknown): CriError {
  const { message } = error as Error;
  const prefix = `failed to pull and unpack image "${name}": `;
  const resolving = `${prefix}failed to resolve reference "${name}": `;
  const cause = { cause: error };
  if (error instanceof ImageError)
    return new CriError(/not found$/.test(message) ? "NotFound" : "Unknown", prefix + message, cause);
  if (!(error instanceof RegistryError)) return new CriError("Unavailable", resolving + message, cause);
  const denied = "pull access denied, repository does not exist or may require authorization: ";
  switch (error.status) {
    case 404:
      return new CriError("NotFound", `${resolving}${name}: not found`, cause);
    case 401:
      return new CriError("Unauthenticated", `${resolving}${denied}authorization failed: ${message}`, cause);
    case 403:
      return new CriError("PermissionDenied", `${resolving}${denied}insufficient_scope: ${message}`, cause);
    default:
      return new CriError("Unknown", resolving + message, cause);
  }
}
