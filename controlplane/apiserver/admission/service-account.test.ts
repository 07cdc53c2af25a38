import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type Answer, TestApi } from "../api.testing.ts";

const accounts = "/api/v1/namespaces/shop/serviceaccounts";
const pod = (serviceAccountName?: string) => ({
  metadata: { name: "web" },
  spec: { serviceAccountName, containers: [{ name: "web", image: "host" }] },
});

/** Sends a pod and lets virtual time pass until it is answered, calling `at` after each tenth of a second. */
async function createPod(api: TestApi, body: object, at: (ms: number) => Promise<unknown>): Promise<[Answer, number]> {
  const asked = api.request("POST", "/api/v1/namespaces/shop/pods", body);
  let answer: Answer | undefined;
  void asked.then((value) => {
    answer = value;
  });
  for (let ms = 0; ; ms += 100) {
    for (let i = 0; i < 20; i++) await turn();
    if (answer !== undefined) return [answer, ms];
    api.clock.advance(100);
    await at(ms + 100);
  }
}

async function openWithNamespace(): Promise<TestApi> {
  const api = await TestApi.open();
  await api.request("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
  return api;
}

describe("a pod in a namespace that is so new that its default account", () => {
  test("is made a moment later, waits for it", async () => {
    const api = await openWithNamespace();
    const makeAccount = (ms: number) => api.request("POST", accounts, { metadata: { name: "default" } }).then(() => ms);
    const [answer, waitedMs] = await createPod(api, pod(), async (ms) => ms === 500 && makeAccount(ms));
    expect(answer.code).toBe(201);
    expect(answer.body.spec.serviceAccountName).toBe("default");
    expect(waitedMs).toBeLessThanOrEqual(700);
  });

  test("never comes, is refused after two seconds", async () => {
    const [answer, waitedMs] = await createPod(await openWithNamespace(), pod(), async () => undefined);
    expect(answer.code).toBe(403);
    expect(answer.body.message).toBe(
      'pods "web" is forbidden: error looking up service account shop/default: serviceaccount "default" not found',
    );
    expect(waitedMs).toBe(1900);
  });
});

test("a pod that names another account, which is not there, is refused at once", async () => {
  const [answer, waitedMs] = await createPod(await openWithNamespace(), pod("robot"), async () => undefined);
  expect(answer).toMatchObject({ code: 403, body: { reason: "Forbidden" } });
  expect(waitedMs).toBe(0);
});
