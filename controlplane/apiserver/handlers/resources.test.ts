import { expect, test } from "vitest";
import { pod, TestApi } from "../api.testing.ts";

test("subresources: a session wants an upgrade, a node and a container that can be meant; an unknown one is not found", async () => {
  const api = await TestApi.open();
  const at = "/api/v1/namespaces/default/pods";
  await api.request("POST", at, pod("web"));
  await api.request("POST", at, pod("two", { containers: ["a", "b"].map((name) => ({ name, image: "busybox:1" })) }));
  const message = async (path: string, method = "GET") => (await api.request(method, `${at}/${path}`)).body.message;

  expect(await message("web/exec?command=ls&stdout=true")).toBe("pod web does not have a host assigned");
  await api.request("POST", `${at}/web/binding`, { metadata: { name: "web" }, target: { kind: "Node", name: "n1" } });
  for (const subresource of ["exec?command=ls", "attach?stdin=true", "portforward?ports=80"])
    expect(await message(`web/${subresource}`, "POST")).toBe("Upgrade request required");
  expect(await message("web/exec?container=other")).toBe("container other is not valid for pod web");
  expect(await message("two/exec")).toBe("a container name must be specified for pod two, choose one of: [a b]");
  expect(await message("gone/exec")).toBe('pods "gone" not found');
  expect((await api.request("GET", `${at}/web/nothing`)).code).toBe(404);
});

test("proxy: names and ports that mean nothing are refused by name", async () => {
  const api = await TestApi.open();
  const at = "/api/v1/namespaces/default";
  await api.request("POST", `${at}/pods`, pod("web"));
  const port = { name: "http", port: 80 };
  await api.request("POST", `${at}/services`, {
    metadata: { name: "web" },
    spec: { ports: [port], selector: { a: "b" } },
  });
  const answer = async (path: string) => {
    const { code, body } = await api.request("GET", `${at}/${path}`);
    return `${code} ${body.message}`;
  };
  expect(await answer("pods/web/proxy/")).toBe("400 address not allowed");
  expect(await answer("pods/ftp:web:80/proxy/")).toBe('400 invalid pod request "ftp:web:80"');
  expect(await answer("services/web:81/proxy/")).toBe('503 no service port 81 found for service "web"');
  expect(await answer("services/web:http/proxy/")).toBe('503 no endpoints available for service "web"');
});
