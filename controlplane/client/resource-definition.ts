/** What one kind is called in URLs. */
export interface ResourceDefinition {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(definition: Pick<ResourceDefinition, "group" | "version">): string {
  return definition.group === "" ? definition.version : `${definition.group}/${definition.version}`;
}

/** `/apis/apps/v1/namespaces/default/deployments/web/status`. Without a namespace: all of them. */
export function resourcePath(
  definition: ResourceDefinition,
  namespace?: string,
  name?: string,
  ...subresource: readonly string[]
): string {
  let path = definition.group === "" ? `/api/${definition.version}` : `/apis/${definition.group}/${definition.version}`;
  if (namespace !== undefined && namespace !== "") path += `/namespaces/${encodeURIComponent(namespace)}`;
  path += `/${definition.plural}`;
  if (name !== undefined) path += `/${encodeURIComponent(name)}`;
  for (const part of subresource) path += `/${encodeURIComponent(part)}`;
  return path;
}
