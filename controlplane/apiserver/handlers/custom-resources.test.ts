import { expect, test } from "vitest";
import { TestApi } from "../api.testing.ts";

test("definitions of custom resources: an empty list for kubectl, which asks before it calls a kind unknown; nothing else", async () => {
  const api = await TestApi.open();
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const { code, body } = await api.request("GET", path);
  expect(code).toBe(200);
  expect(body).toMatchObject({
    kind: "CustomResourceDefinitionList",
    apiVersion: "apiextensions.k8s.io/v1",
    items: [],
  });
  expect((await api.request("GET", `${path}/x`)).code).toBe(404);
  expect((await api.request("POST", path, { metadata: { name: "x" } })).code).toBe(404);
});
