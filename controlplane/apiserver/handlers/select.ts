import { type KubeObject, matchesLabels, parseFieldSelector, parseLabelSelector, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Served } from "../registry/served.ts";

/** Which stored objects a list or watch is about, by its labelSelector, fieldSelector and, if the path has one, name. */
export function selectorOf(
  served: Served,
  query: URLSearchParams,
  name: string,
): { readonly matches: (stored: KubeObject) => boolean; readonly filtered: boolean } {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  if (!labels.ok) fail(status.badRequest(labels.message));
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", served.resource);
  if (!fields.ok) fail(status.badRequest(fields.message));
  const everyLabel = labels.selector !== "nothing" && labels.selector.length === 0;
  if (everyLabel && fields.selector.isEmpty && name === "") return { matches: () => true, filtered: false };
  return {
    matches: (stored) => {
      const object = served.present(stored);
      if (name !== "" && object.metadata.name !== name) return false;
      return matchesLabels(labels.selector, object.metadata.labels) && fields.selector.matches(object);
    },
    filtered: true,
  };
}
