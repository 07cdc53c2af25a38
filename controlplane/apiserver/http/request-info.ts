/** What a request's path and method ask for, before anything is looked up. */
export type RequestInfo =
  | {
      readonly kind: "resource";
      readonly path: string;
      readonly verb: string;
      /** "" for the core group. */
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly kind: "path"; readonly path: string; readonly verb: string };

export type ResourceInfo = RequestInfo & { kind: "resource" };

const namespaceSubresources = new Set(["status", "finalize"]);

const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/**
 * `/api/v1/…` and `/apis/GROUP/VERSION/…`, each followed by `[namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE]]`;
 * everything else, discovery included, is a plain path. Percent signs that decode to nothing make a plain path too.
 */
export function parseRequest(method: string, path: string, query: URLSearchParams): RequestInfo {
  const plain: RequestInfo = { kind: "path", path, verb: method === "HEAD" ? "head" : method.toLowerCase() };
  const segments = decodeSegments(path);
  if (segments === undefined) return plain;
  const core = segments[0] === "api";
  const rest = segments.slice(core ? 2 : 3);
  if ((!core && segments[0] !== "apis") || rest.length === 0) return plain;
  const group = core ? "" : (segments[1] as string);
  const version = (core ? segments[1] : segments[2]) as string;

  let verb = verbs[method] ?? "";
  // /api/v1/watch/… is the old way to say ?watch=true.
  const legacyWatch = rest[0] === "watch" && rest.length > 1;
  if (legacyWatch) rest.shift();

  let namespace = "";
  if (rest[0] === "namespaces" && rest[1] !== undefined) {
    namespace = rest[1];
    // A namespace's own object and subresources stay as they are; anything deeper is what lives inside.
    if (rest.length > 2 && !namespaceSubresources.has(rest[2] as string)) rest.splice(0, 2);
  }
  const [resource = "", name = "", subresource = ""] = rest;
  if (rest.length > 3 && subresource !== "proxy") return plain;
  const selected = name === "" ? nameInFieldSelector(query) : name;
  if (name === "" && verb === "get") verb = isTrue(query.get("watch")) ? "watch" : "list";
  else if (verb === "get" && isTrue(query.get("watch")) && subresource === "") verb = "watch";
  else if (name === "" && verb === "delete") verb = "deletecollection";
  if (legacyWatch && method === "GET") verb = "watch";
  const named = verb === "list" || verb === "watch" || verb === "deletecollection" ? selected : name;
  return { kind: "resource", path, verb, group, version, resource, subresource, namespace, name: named };
}

/** Query flags are true when present and neither "0" nor "false", as in Kubernetes. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** A list of one name may be allowed by a rule with resourceNames: the name counts for authorization. */
function nameInFieldSelector(query: URLSearchParams): string {
  const selector = query.get("fieldSelector") ?? "";
  const terms = selector.split(",").map((term) => /^metadata\.name==?([^=]+)$/.exec(term)?.[1]);
  return terms.find((name) => name !== undefined) ?? "";
}
