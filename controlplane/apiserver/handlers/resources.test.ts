import { expect, test } from "vitest";
import { TestApi } from "../api.testing.ts";

test("subresources: one that carries a session is refused by name, an unknown one is not found", async () => {
  const api = await TestApi.open();
  const answers: unknown[] = [];
  for (const path of ["pods/p/exec", "pods/p/portforward", "services/s/proxy", "pods/p/nonsense"]) {
    const { code, body } = await api.request("GET", `/api/v1/namespaces/default/${path}`);
    answers.push([code, (body as { message: string }).message]);
  }
  const refused = (what: string) => [405, `${what} is not supported by this server: it has no streaming sessions`];
  expect(answers).toEqual([
    refused("exec"),
    refused("portforward"),
    refused("proxy"),
    [404, "the server could not find the requested resource"],
  ]);
});
