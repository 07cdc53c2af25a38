import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import { encodeStatus } from "./encode.ts";

const group = "apiextensions.k8s.io";
const version = "v1";

/** Whether a request is for the list of all definitions of custom resources. */
export function asksForDefinitions({ info }: Call): boolean {
  return (
    info.group === group &&
    info.version === version &&
    info.resource === "customresourcedefinitions" &&
    info.verb === "list"
  );
}

/**
 * There are no custom resources here, so discovery does not know their definitions. The list of them is answered nevertheless, and
 * is empty: kubectl reads it before it calls a kind unknown, and where it is missing complains about that instead.
 */
export function noDefinitions(call: Call): Promise<Reply> {
  return encodeStatus(call, {
    kind: "CustomResourceDefinitionList",
    apiVersion: `${group}/${version}`,
    metadata: {},
    items: [],
  });
}
