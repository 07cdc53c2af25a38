import { describe, expect, test } from "vitest";
import { apiVersionOf, servedResources } from "../resources/served.ts";
import { openAPIv2, openAPIv3 } from "./document.ts";

type Json = Record<string, never>;
const info = { version: "v1.33.0" };
const apps = openAPIv3(
  servedResources.filter((resource) => apiVersionOf(resource) === "apps/v1"),
  info,
) as { paths: Json; components: { schemas: Record<string, Json> } };

describe("OpenAPI v3", () => {
  test("tells kubectl that the server validates: a PATCH of the kind with fieldValidation and dryRun", () => {
    const { patch } = apps.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"] as unknown as {
      patch: { parameters: { name: string; in: string }[] };
    };
    expect(patch).toMatchObject({
      "x-kubernetes-group-version-kind": { group: "apps", version: "v1", kind: "Deployment" },
    });
    const names = patch.parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["fieldValidation", "dryRun", "fieldManager", "force"]));
  });

  test("describes kinds, fields, and how they are merged", () => {
    const { schemas } = apps.components;
    expect(schemas["io.k8s.api.apps.v1.Deployment"]).toMatchObject({
      description: expect.stringContaining("identical pods"),
      "x-kubernetes-group-version-kind": [{ group: "apps", version: "v1", kind: "Deployment" }],
    });
    expect(schemas["io.k8s.api.apps.v1.DeploymentSpec"]).toMatchObject({
      required: ["selector", "template"],
      properties: {
        replicas: { type: "integer", format: "int32", description: "How many pods are wanted. Defaults to 1." },
        strategy: {
          "x-kubernetes-patch-strategy": "retainKeys",
          allOf: [{ $ref: "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy" }],
        },
      },
    });
    expect(schemas["io.k8s.api.core.v1.Container"]).toMatchObject({
      properties: {
        ports: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
          "x-kubernetes-patch-strategy": "merge",
          "x-kubernetes-patch-merge-key": "containerPort",
        },
      },
    });
  });
});

test.each([
  ["v3", openAPIv3(servedResources, info)],
  ["v2", openAPIv2(servedResources, info)],
])("every reference of the %s document leads somewhere", (_, document) => {
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
  for (const [, path] of references) {
    let target: unknown = document;
    const [first, second, ...rest] = path!.split("/") as [string, string, ...string[]];
    const steps = rest.length === 0 ? [first, second] : [first, second, rest.join("/")];
    for (const step of steps) target = (target as Record<string, unknown>)[step];
    expect(target, path).toBeDefined();
  }
});
