import type { Resource } from "../resources/resource.ts";
import { pathsOf } from "./paths.ts";
import { SchemaSet } from "./schemas.ts";

export interface OpenAPIInfo {
  /** Version of the server, such as `v1.33.0`. */
  readonly version: string;
}

/**
 * The OpenAPI 3.0 document of one group version: enough for kubectl to leave validation to the server, for `kubectl explain`, and for
 * generators of clients. `resources` are those of that group version.
 */
export function openAPIv3(resources: readonly Resource[], { version }: OpenAPIInfo): Record<string, unknown> {
  const schemas = new SchemaSet("v3");
  const paths = Object.assign({}, ...resources.map((resource) => pathsOf(resource, schemas, "v3")));
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version },
    paths,
    components: { schemas: schemas.schemas },
  };
}

/** The Swagger 2.0 document of everything that is served. */
export function openAPIv2(resources: readonly Resource[], { version }: OpenAPIInfo): Record<string, unknown> {
  const schemas = new SchemaSet("v2");
  const paths = Object.assign({}, ...resources.map((resource) => pathsOf(resource, schemas, "v2")));
  return { swagger: "2.0", info: { title: "Kubernetes", version }, paths, definitions: schemas.schemas };
}
