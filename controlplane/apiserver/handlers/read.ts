import { type KubeObject, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import { isTrue } from "../http/request-info.ts";
import type { Served } from "../registry/served.ts";
import { WatchStream } from "../registry/watch.ts";
import { encodeList, encodeOne, encoderFor } from "./encode.ts";
import { selectorOf } from "./select.ts";

export async function get(served: Served, call: Call): Promise<Reply> {
  const object = await read(served, call.info.namespace, call.info.name, call.query.get("resourceVersion") ?? "");
  return encodeOne(call, 200, served.resource, served.present(object));
}

/** resourceVersion: "" is the newest, "0" whatever is at hand, N not older than N. */
export async function read(served: Served, namespace: string, name: string, resourceVersion = ""): Promise<KubeObject> {
  const key = served.key(namespace, name);
  if (resourceVersion !== "") checkVersion(resourceVersion);
  const fromStore = resourceVersion === "" || !(await served.lister.shows(resourceVersion));
  const object = fromStore ? await served.objects.get(key) : served.cache.get(key);
  return object ?? fail(status.notFound(served.names, name));
}

export async function list(served: Served, call: Call): Promise<Reply> {
  const { query, info } = call;
  const options = listOptions(query);
  if (options.sendInitialEvents !== undefined)
    invalidOptions("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list");
  const { matches, filtered } = selectorOf(served, query, info.name);
  const found = await served.lister.list(served.prefix(info.namespace), { ...options, matches, filtered });
  const metadata = {
    resourceVersion: String(found.revision),
    ...(found.continueToken !== undefined && { continue: found.continueToken }),
    ...(found.remaining !== undefined && { remainingItemCount: found.remaining }),
  };
  return encodeList(
    call,
    served.resource,
    metadata,
    found.items.map((item) => served.present(item)),
  );
}

const MIN_WATCH_SECONDS = 1800;

export async function watch(served: Served, call: Call): Promise<Reply> {
  const { query, info } = call;
  const { resourceVersion, resourceVersionMatch, sendInitialEvents } = listOptions(query);
  if (sendInitialEvents !== undefined && resourceVersionMatch !== "NotOlderThan")
    invalidOptions(
      "resourceVersionMatch",
      "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    );
  if (sendInitialEvents === undefined && resourceVersionMatch !== "")
    invalidOptions(
      "resourceVersionMatch",
      "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    );
  const { matches } = selectorOf(served, query, info.name);
  const seconds = numberOf(query, "timeoutSeconds") || MIN_WATCH_SECONDS * (1 + Math.random());
  const stream = new WatchStream(
    served.cache,
    served.prefix(info.namespace),
    {
      matches,
      resourceVersion,
      allowBookmarks: isTrue(query.get("allowWatchBookmarks")),
      sendInitialEvents: sendInitialEvents === true,
      timeoutMs: seconds * 1000,
    },
    encoderFor(call, served),
  );
  await stream.prepare(served.lister);
  return { kind: "stream", contentType: "application/json", pump: (sink) => stream.run(sink) };
}

interface RawListOptions {
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly sendInitialEvents: boolean | undefined;
}

function listOptions(query: URLSearchParams): RawListOptions {
  const resourceVersion = query.get("resourceVersion") ?? "";
  const resourceVersionMatch = query.get("resourceVersionMatch") ?? "";
  const continueToken = query.get("continue") ?? "";
  const initial = query.get("sendInitialEvents");
  if (resourceVersion !== "") checkVersion(resourceVersion);
  if (resourceVersionMatch !== "" && initial === null) {
    if (resourceVersion === "")
      invalidOptions(
        "resourceVersionMatch",
        "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
      );
    if (continueToken !== "")
      invalidOptions("resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden when continue is provided");
    if (resourceVersionMatch !== "Exact" && resourceVersionMatch !== "NotOlderThan")
      invalidOptions(
        "resourceVersionMatch",
        `Unsupported value: ${JSON.stringify(resourceVersionMatch)}: supported values: "Exact", "NotOlderThan", ""`,
      );
    if (resourceVersionMatch === "Exact" && resourceVersion === "0")
      invalidOptions(
        "resourceVersionMatch",
        `Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
      );
  }
  if (continueToken !== "" && resourceVersion !== "" && resourceVersion !== "0")
    fail(status.badRequest("specifying resource version is not allowed when using continue"));
  return {
    limit: numberOf(query, "limit"),
    continueToken,
    resourceVersion,
    resourceVersionMatch,
    sendInitialEvents: initial === null ? undefined : isTrue(initial),
  };
}

function checkVersion(resourceVersion: string): void {
  if (!/^\d{1,15}$/.test(resourceVersion))
    fail(
      status.badRequest(
        `invalid resource version ${JSON.stringify(resourceVersion)}: strconv.ParseUint: invalid syntax`,
      ),
    );
}

function numberOf(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  if (text === null || text === "") return 0;
  if (!/^-?\d{1,15}$/.test(text)) fail(status.badRequest(`invalid value ${JSON.stringify(text)} for ${name}`));
  return Math.max(0, Number(text));
}

function invalidOptions(field: string, message: string): never {
  const type = message.startsWith("Unsupported") ? "FieldValueNotSupported" : "FieldValueForbidden";
  return fail(status.invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", [{ type, field, message }]));
}
