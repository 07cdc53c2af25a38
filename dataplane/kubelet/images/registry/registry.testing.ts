import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mediaTypes } from "../oci.ts";
import type { BuiltImage } from "../writer.ts";

export interface TestRegistryOptions {
  /** What callers must show: `basic` credentials, or a token that the registry's own service gives for them. */
  readonly auth?: { readonly scheme: "basic" | "bearer"; readonly username: string; readonly password: string };
  /** Breaks the first transfer of every blob off after so many bytes. */
  readonly breakAfterBytes?: number;
}

/** A registry on loopback, as small as the protocol allows. */
export class TestRegistry {
  readonly #blobs = new Map<string, { readonly bytes: Buffer; readonly type: string }>();
  readonly #tags = new Map<string, string>();
  readonly #broken = new Set<string>();
  readonly #options: TestRegistryOptions;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  /** Every request, as `METHOD path` and its range. */
  readonly log: string[] = [];

  constructor(options: TestRegistryOptions = {}) {
    this.#options = options;
  }

  /** Listens on loopback, or on a socket that somebody has opened in another network namespace. `host` is what image names begin with. */
  async start(socket?: object): Promise<this> {
    await new Promise<void>((resolve) => {
      if (socket === undefined) this.#server.listen(0, "127.0.0.1", resolve);
      else this.#server.listen(socket, resolve);
    });
    return this;
  }

  get host(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `${address}:${port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** `name` is repository:tag without the host. */
  push(name: string, image: BuiltImage): void {
    for (const { descriptor, bytes } of image.blobs)
      this.#blobs.set(descriptor.digest, { bytes, type: descriptor.mediaType ?? "" });
    this.#tags.set(name, image.manifest.descriptor.digest);
  }

  /** Puts other bytes under a digest. */
  corrupt(digest: string, bytes: Buffer): void {
    this.#blobs.set(digest, { bytes, type: this.#blobs.get(digest)?.type ?? "" });
  }

  pushIndex(name: string, digest: string, index: object): void {
    this.#blobs.set(digest, { bytes: Buffer.from(JSON.stringify(index)), type: mediaTypes.index });
    this.#tags.set(name, digest);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = "", method, headers } = request;
    this.log.push(`${method} ${url}${headers.range === undefined ? "" : ` ${headers.range}`}`);
    if (url.startsWith("/token")) {
      this.#giveToken(request, response);
      return;
    }
    if (!this.#allowed(headers.authorization)) {
      this.#challenge(response);
      return;
    }
    const [, repository, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const digest = this.#tags.get(`${repository}:${reference}`) ?? reference ?? "";
    const found = this.#blobs.get(digest);
    if (found === undefined || kind === undefined) {
      response
        .writeHead(404)
        .end(JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] }));
      return;
    }
    this.#send(response, digest, found, kind, headers.range);
  }

  #send(
    response: ServerResponse,
    digest: string,
    found: { bytes: Buffer; type: string },
    kind: string,
    range?: string,
  ) {
    const from = range === undefined ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
    const bytes = found.bytes.subarray(from);
    response.writeHead(range === undefined ? 200 : 206, {
      "content-type": kind === "manifests" ? found.type : "application/octet-stream",
      "content-length": bytes.length,
      "docker-content-digest": digest,
    });
    const { breakAfterBytes } = this.#options;
    if (
      kind === "blobs" &&
      breakAfterBytes !== undefined &&
      bytes.length > breakAfterBytes &&
      !this.#broken.has(digest)
    ) {
      this.#broken.add(digest);
      response.write(bytes.subarray(0, breakAfterBytes), () => response.socket?.end());
    } else response.end(bytes);
  }

  #basic(): string {
    const { username, password } = this.#options.auth ?? {};
    return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  }

  #allowed(authorization: string | undefined): boolean {
    const { auth } = this.#options;
    if (auth === undefined) return true;
    return authorization === (auth.scheme === "basic" ? this.#basic() : "Bearer the-token");
  }

  #challenge(response: ServerResponse): void {
    const basic = this.#options.auth?.scheme === "basic";
    const bearer = `Bearer realm="http://${this.host}/token",service="test, registry",scope="repository:x:pull"`;
    response.writeHead(401, { "www-authenticate": basic ? 'Basic realm="test"' : bearer });
    response.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }));
  }

  #giveToken(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.authorization === this.#basic()) response.end(JSON.stringify({ token: "the-token" }));
    else
      response
        .writeHead(401)
        .end(JSON.stringify({ errors: [{ code: "DENIED", message: "requested access is denied" }] }));
  }
}
