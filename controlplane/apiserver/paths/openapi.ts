import { createHash } from "node:crypto";
import { apiVersionOf, openAPIv2, openAPIv3, type Resource, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { parseAccept } from "../http/negotiate.ts";
import { json, type Reply } from "../http/reply.ts";
import { encodeSwagger, gnosticMediaType, gnosticMediaTypes } from "./gnostic/document.ts";

type Headers = { readonly accept?: string; readonly "if-none-match"?: string };

/**
 * /openapi/v3 (an index with a hash per group version), its documents, and /openapi/v2, as JSON or protobuf. Documents are made when
 * asked for and not kept: clients keep them, by hash, and so ask rarely. What is kept is the hashes.
 */
export class OpenApi {
  readonly #resources: readonly Resource[];
  readonly #version: string;
  readonly #hashes = new Map<string, string>();

  constructor(resources: readonly Resource[], version: string) {
    this.#resources = resources;
    this.#version = version;
  }

  /** undefined: no such document. */
  answer(path: string, query: URLSearchParams, headers: Headers): Reply | undefined {
    if (path === "/openapi/v2") return this.#swagger(headers);
    if (path === "/openapi/v3" || path === "/openapi/v3/") return json(200, { paths: this.#index() });
    const id = path.replace("/openapi/v3/", "");
    return this.#groupVersions().has(id) ? this.#document(id, query.get("hash"), headers) : undefined;
  }

  /** Resources of each group version, by `api/v1` or `apis/GROUP/VERSION`. */
  #groupVersions(): Map<string, Resource[]> {
    return Map.groupBy(this.#resources, (r) => `${r.group === "" ? "api" : "apis"}/${apiVersionOf(r)}`);
  }

  #index(): Record<string, { serverRelativeURL: string }> {
    const ids = [...this.#groupVersions().keys()];
    return Object.fromEntries(
      ids.map((id) => [
        id,
        { serverRelativeURL: `/openapi/v3/${id}?hash=${this.#hashOf(id, () => this.#render(id))}` },
      ]),
    );
  }

  #document(id: string, asked: string | null, headers: Headers): Reply {
    const body = this.#render(id);
    const hash = this.#hashOf(id, () => body);
    const contentType = "application/json";
    if (asked !== null && asked !== "" && asked !== hash) {
      const location = { Location: `/openapi/v3/${id}?hash=${hash}` };
      return { kind: "body", code: 301, contentType, body: "", headers: location };
    }
    const kept: Record<string, string> = asked === hash ? { "Cache-Control": "public, immutable" } : {};
    return conditional(body, contentType, hash, headers, { ...kept, Vary: "Accept" });
  }

  #swagger(headers: Headers): Reply {
    const protobuf = wantsProtobuf(headers.accept);
    const contentType = protobuf ? gnosticMediaType : "application/json";
    const id = `v2 ${contentType}`;
    const shared = { Vary: "Accept" };
    const known = this.#hashes.get(id);
    if (known !== undefined && headers["if-none-match"] === etagOf(known)) {
      // A client that has the document costs no making it.
      return conditional("", contentType, known, headers, shared);
    }
    const document = openAPIv2(this.#resources, { version: this.#version });
    const body = protobuf ? encodeSwagger(document) : JSON.stringify(document);
    const hash = this.#hashOf(id, () => body);
    return conditional(body, contentType, hash, headers, shared);
  }

  #render(id: string): string {
    return JSON.stringify(openAPIv3(this.#groupVersions().get(id) ?? [], { version: this.#version }));
  }

  #hashOf(id: string, render: () => string | Uint8Array): string {
    let hash = this.#hashes.get(id);
    if (hash === undefined) {
      hash = createHash("sha512").update(render()).digest("hex").toUpperCase();
      this.#hashes.set(id, hash);
    }
    return hash;
  }
}

/** Whether the first type on the list that can be served is protobuf. */
function wantsProtobuf(accept: string | undefined): boolean {
  for (const { type } of parseAccept(accept)) {
    if (gnosticMediaTypes.includes(type)) return true;
    if (type === "application/json" || type === "application/*" || type === "*/*") return false;
  }
  return fail(status.notAcceptable(["application/json", gnosticMediaType]));
}

const etagOf = (hash: string) => `"${hash}"`;

function conditional(
  body: string | Uint8Array,
  contentType: string,
  hash: string,
  headers: Headers,
  more: Record<string, string>,
): Reply {
  const unchanged = headers["if-none-match"] === etagOf(hash);
  return {
    kind: "body",
    code: unchanged ? 304 : 200,
    contentType,
    body: unchanged ? "" : body,
    headers: { ETag: etagOf(hash), ...more },
  };
}
