import type { APIGroupList, APIResourceList } from "../../api/mod.ts";
import type { Client, ResourceDefinition } from "../../client/mod.ts";

/** A kind that the server serves, in the version it prefers. */
export interface ServedResource extends ResourceDefinition {
  readonly verbs: readonly string[];
}

export interface Discovery {
  readonly resources: readonly ServedResource[];
  /** Group versions that could not be asked (an aggregated server that is down), with why. */
  readonly failures: ReadonlyMap<string, string>;
}

/** Everything that is served, each kind once. Throws when not even the list of groups can be read. */
export async function discover(client: Client, signal: AbortSignal): Promise<Discovery> {
  const { groups } = await client.request<APIGroupList>("GET", "/apis", { signal });
  const versions = groups.flatMap(({ preferredVersion, versions: [first] }) => {
    const version = preferredVersion ?? first;
    return version === undefined ? [] : [version.groupVersion];
  });
  const resources: ServedResource[] = [];
  const failures = new Map<string, string>();
  for (const groupVersion of ["v1", ...versions]) {
    const path = groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`;
    try {
      const list = await client.request<APIResourceList>("GET", path, { signal });
      resources.push(...kindsOf(groupVersion, list));
    } catch (error) {
      if (signal.aborted) throw error;
      failures.set(groupVersion, (error as Error).message);
    }
  }
  return { resources, failures };
}

function kindsOf(groupVersion: string, list: APIResourceList): ServedResource[] {
  const [version = "", group = ""] = groupVersion.split("/").reverse();
  return list.resources
    .filter(({ name }) => !name.includes("/"))
    .map(({ name, kind, namespaced, verbs }) => ({ group, version, plural: name, kind, namespaced, verbs }));
}
