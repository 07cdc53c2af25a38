import { createHash } from "node:crypto";
import { apiVersionOf, groupOrder, type Resource } from "../../api/mod.ts";
import { parseAccept } from "../http/negotiate.ts";
import { json, type Reply } from "../http/reply.ts";

/** What is served, in both forms of discovery: a document per group version, and all groups in one (aggregated, v2). */
export class Discovery {
  readonly #resources: readonly Resource[];
  readonly #serverAddress: () => string;
  readonly #aggregated = new Map<"core" | "groups", { readonly body: string; readonly etag: string }>();

  /** `serverAddress` is asked late: a server may learn its port only when it listens. */
  constructor(resources: readonly Resource[], serverAddress: () => string) {
    this.#resources = resources;
    this.#serverAddress = serverAddress;
  }

  /** undefined: no such document. */
  answer(path: string, headers: { readonly accept?: string; readonly "if-none-match"?: string }): Reply | undefined {
    const [root, group, version, ...rest] = path.split("/").filter(Boolean);
    if (rest.length > 0) return undefined;
    if (root === "api") {
      if (group === undefined)
        return wantsAggregated(headers.accept) ? this.#all("core", headers) : this.#coreVersions();
      return version === undefined ? this.#resourceList("", group) : undefined;
    }
    if (root !== "apis") return undefined;
    if (group === undefined)
      return wantsAggregated(headers.accept) ? this.#all("groups", headers) : json(200, this.#groupList());
    if (version === undefined) {
      const found = this.#groups().includes(group) && group !== "";
      return found ? json(200, { kind: "APIGroup", apiVersion: "v1", ...this.#group(group) }) : undefined;
    }
    return this.#resourceList(group, version);
  }

  #groups(): string[] {
    const served = [...new Set(this.#resources.map(({ group }) => group))];
    const rank = (group: string) => (groupOrder.includes(group) ? groupOrder.indexOf(group) : groupOrder.length);
    return served.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  }

  #versions(group: string): string[] {
    const versions = new Set(this.#resources.filter((r) => r.group === group).map(({ version }) => version));
    return [...versions].sort(compareVersions);
  }

  #coreVersions(): Reply {
    const serverAddressByClientCIDRs = [{ clientCIDR: "0.0.0.0/0", serverAddress: this.#serverAddress() }];
    return json(200, { kind: "APIVersions", versions: this.#versions(""), serverAddressByClientCIDRs });
  }

  #group(name: string) {
    const versions = this.#versions(name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions, preferredVersion: versions[0] };
  }

  #groupList() {
    const groups = this.#groups().filter((group) => group !== "");
    return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map((group) => this.#group(group)) };
  }

  #resourceList(group: string, version: string): Reply | undefined {
    const served = this.#resources.filter((r) => r.group === group && r.version === version);
    if (served.length === 0) return undefined;
    const groupVersion = apiVersionOf({ group, version });
    return json(200, {
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion,
      resources: served.flatMap(legacyEntries),
    });
  }

  #all(which: "core" | "groups", headers: { readonly "if-none-match"?: string }): Reply {
    let document = this.#aggregated.get(which);
    if (document === undefined) {
      const groups = this.#groups().filter((group) => (group === "") === (which === "core"));
      const items = groups.map((name) => ({
        metadata: { name, creationTimestamp: null },
        versions: this.#versions(name).map((version) => ({
          version,
          resources: this.#resources.filter((r) => r.group === name && r.version === version).map(aggregatedEntry),
          freshness: "Current",
        })),
      }));
      const list = { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
      const body = JSON.stringify(list);
      document = { body, etag: `"${createHash("sha512").update(body).digest("hex").toUpperCase()}"` };
      this.#aggregated.set(which, document);
    }
    const { body, etag } = document;
    const shared = { ETag: etag, Vary: "Accept", "Cache-Control": "public" };
    const contentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    if (headers["if-none-match"] === etag) return { kind: "body", code: 304, contentType, body: "", headers: shared };
    return { kind: "body", code: 200, contentType, body, headers: shared };
  }
}

function wantsAggregated(accept: string | undefined): boolean {
  for (const { type, parameters } of parseAccept(accept)) {
    const json = type === "application/json" || type === "*/*";
    if (json && !parameters.has("as")) return false;
    const aggregated =
      parameters.get("g") === "apidiscovery.k8s.io" && parameters.get("as") === "APIGroupDiscoveryList";
    if (json && aggregated && parameters.get("v") === "v2") return true;
  }
  return false;
}

function legacyEntries(resource: Resource) {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories, storageVersionHash } = resource;
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(storageVersionHash !== "" && { storageVersionHash }),
  };
  const others = resource.subresources.map((sub) => ({
    name: `${plural}/${sub.name}`,
    singularName: "",
    namespaced,
    ...(foreign(resource, sub.gvk) && { group: sub.gvk.group, version: sub.gvk.version }),
    kind: sub.gvk.kind,
    verbs: sub.verbs,
  }));
  return [main, ...others];
}

function aggregatedEntry(resource: Resource) {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource;
  return {
    resource: plural,
    responseKind: { group: "", version: "", kind },
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(resource.subresources.length > 0 && {
      subresources: resource.subresources.map(({ name, gvk, verbs }) => ({
        subresource: name,
        responseKind: foreign(resource, gvk) ? gvk : { group: "", version: "", kind: gvk.kind },
        verbs,
      })),
    }),
  };
}

/** A subresource says its group and version only where they are not its resource's. */
function foreign(resource: Resource, gvk: { readonly group: string; readonly version: string }): boolean {
  return gvk.group !== resource.group || gvk.version !== resource.version;
}

/** GA before beta before alpha, then the higher number; what is no version of Kubernetes' form comes last, by name. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  if (left === undefined || right === undefined) return left === right ? (a < b ? -1 : 1) : left === undefined ? 1 : -1;
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}

function parseVersion(text: string): { stability: number; major: number; minor: number } | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const stability = match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0;
  return { stability, major: Number(match[1]), minor: Number(match[3] ?? 0) };
}
