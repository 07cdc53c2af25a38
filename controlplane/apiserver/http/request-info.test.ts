import { expect, test } from "vitest";
import { compareVersions } from "../paths/discovery.ts";
import { negotiate } from "./negotiate.ts";
import { parseRequest } from "./request-info.ts";

test.each([
  ["GET", "/api/v1/pods", "list - v1 pods - - -"],
  ["GET", "/api/v1/pods?watch=true", "watch - v1 pods - - -"],
  ["GET", "/api/v1/watch/namespaces/a/pods", "watch - v1 pods - a -"],
  ["GET", "/api/v1/namespaces/a/pods/p", "get - v1 pods - a p"],
  ["GET", "/api/v1/namespaces/a/pods/p/log", "get - v1 pods log a p"],
  ["GET", "/api/v1/namespaces/a", "get - v1 namespaces - a a"],
  ["PUT", "/api/v1/namespaces/a/finalize", "update - v1 namespaces finalize a a"],
  ["POST", "/apis/apps/v1/namespaces/a/deployments", "create apps v1 deployments - a -"],
  ["DELETE", "/apis/apps/v1/namespaces/a/deployments", "deletecollection apps v1 deployments - a -"],
  ["PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale", "patch apps v1 deployments scale a d"],
  ["GET", "/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Dx", "list - v1 secrets - a x"],
  [
    "GET",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
    "get rbac.authorization.k8s.io v1 clusterroles - - system:node",
  ],
])("%s %s is %s", (method, url, expected) => {
  const [path = "", search = ""] = url.split("?");
  const info = parseRequest(method, path, new URLSearchParams(search));
  if (info.kind !== "resource") throw new Error("it is a resource");
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const parts = [verb, group, version, resource, subresource, namespace, name];
  expect(parts.map((part) => part || "-").join(" ")).toBe(expected);
});

test.each(["/", "/version", "/api", "/api/v1", "/apis/apps/v1", "/healthz/etcd", "/api/v1/pods/%ZZ"])(
  "%s is a path and no resource",
  (path) => {
    expect(parseRequest("GET", path, new URLSearchParams()).kind).toBe("path");
  },
);

test("kubectl get its table, client-go its JSON, and nobody protobuf", () => {
  const kubectl =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
  expect(negotiate(kubectl, null)).toMatchObject({ form: { as: "Table", version: "v1", includeObject: "Metadata" } });
  expect(negotiate("application/vnd.kubernetes.protobuf,application/json", null)).toMatchObject({ encoding: "json" });
  expect(negotiate("application/json, */*;q=0.8", null)).toMatchObject({ form: { as: "object" } });
  expect(negotiate("application/vnd.kubernetes.protobuf", null)).toBeUndefined();
});

test("versions stand in the order of their maturity", () => {
  const mixed = ["v1beta1", "v11alpha2", "v2", "foo", "v1", "v10", "v1beta2", "v3beta1"];
  expect(mixed.sort(compareVersions)).toEqual(["v10", "v2", "v1", "v3beta1", "v1beta2", "v1beta1", "v11alpha2", "foo"]);
});
