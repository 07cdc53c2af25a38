import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { pod, signer, TestApi } from "../api.testing.ts";
import { TokenSigner } from "./tokens.ts";

const namespace = "/api/v1/namespaces/default";
const tokens = `${namespace}/serviceaccounts/default/token`;

test("after a rotation the old key's tokens are accepted, and both keys are published", () => {
  const old = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const next = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const before = new TokenSigner(old.privateKey, "https://issuer.test");
  const after = new TokenSigner(next.privateKey, "https://issuer.test", [old.publicKey]);
  const claims = { aud: ["a"], exp: 2, iat: 0, iss: "https://issuer.test", jti: "j", nbf: 0, sub: "s" };
  const token = before.issue({
    ...claims,
    "kubernetes.io": { namespace: "n", serviceaccount: { name: "a", uid: "u" } },
  });
  expect(after.verify(token, 1)).toMatchObject(claims);
  expect(new TokenSigner(next.privateKey, "https://issuer.test").verify(token, 1)).toBeUndefined();
  expect(after.jwks().keys).toHaveLength(2);
  expect(after.algorithms).toEqual(["RS256", "ES256"]);
});

test("a review tells which of the audiences asked for the token is meant for", async () => {
  const api = await TestApi.open();
  const { body } = await api.request("POST", tokens, { spec: { audiences: ["vault", "registry"] } });
  const review = async (audiences?: string[]) => {
    const spec = { token: body.status.token, audiences };
    return (await api.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { spec })).body.status;
  };
  expect(await review(["vault", "elsewhere"])).toMatchObject({ authenticated: true, audiences: ["vault"] });
  expect(await review()).toEqual({ error: "invalid bearer token" });
});

describe("a token bound to a pod", () => {
  test("is only for the account the pod runs as", async () => {
    const api = await TestApi.open();
    await api.request("POST", `${namespace}/serviceaccounts`, { metadata: { name: "robot" } });
    await api.request("POST", `${namespace}/pods`, pod("p", { serviceAccountName: "robot" }));
    const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "p" };
    const refused = await api.request("POST", tokens, { spec: { boundObjectRef } });
    expect(refused.body.message).toBe(
      'cannot bind token for serviceaccount "default" to pod running with different serviceaccount name.',
    );
  });

  test("names the node too, and lives a minute longer than a pod that is being deleted", async () => {
    const api = await TestApi.open();
    await api.request("POST", "/api/v1/nodes", { metadata: { name: "n" } });
    const { body: created } = await api.request("POST", `${namespace}/pods`, pod("p", { nodeName: "n" }));
    const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "p", uid: created.metadata.uid };
    const { body } = await api.request("POST", tokens, { spec: { boundObjectRef } });
    const whose = () => api.core.authenticator.userOfToken(body.status.token, [signer.issuer]);
    expect((await whose())?.extra).toMatchObject({ "authentication.kubernetes.io/node-name": ["n"] });
    await api.request("DELETE", `${namespace}/pods/p?gracePeriodSeconds=30`);
    api.clock.advance(89_000);
    expect(await whose()).toBeDefined();
    api.clock.advance(2_000);
    expect(await whose()).toBeUndefined();
  });
});

describe("a token of a Secret", () => {
  async function withSecret() {
    const api = await TestApi.open();
    const account = (await api.request("GET", `${namespace}/serviceaccounts/default`)).body;
    const legacy = "kubernetes/serviceaccount";
    const token = signer.issue({
      iss: legacy,
      [`${legacy}/namespace`]: "default",
      [`${legacy}/secret.name`]: "t",
      [`${legacy}/service-account.name`]: "default",
      [`${legacy}/service-account.uid`]: account.metadata.uid,
    } as never);
    const annotations = { "kubernetes.io/service-account.name": "default" };
    await api.request("POST", `${namespace}/secrets`, {
      metadata: { name: "t", annotations },
      type: "kubernetes.io/service-account-token",
      data: { token: Buffer.from(token).toString("base64") },
    });
    return { api, whose: () => api.core.authenticator.userOfToken(token, [signer.issuer]) };
  }

  test("is good without an end, until the Secret goes", async () => {
    const { api, whose } = await withSecret();
    api.clock.advance(10 * 365 * 86_400_000);
    expect(await whose()).toMatchObject({ name: "system:serviceaccount:default:default" });
    await api.request("DELETE", `${namespace}/secrets/t`);
    expect(await whose()).toBeUndefined();
  });

  test("or until it holds another one", async () => {
    const { api, whose } = await withSecret();
    await api.request("PATCH", `${namespace}/secrets/t`, { data: { token: "eA==" } });
    expect(await whose()).toBeUndefined();
  });
});
