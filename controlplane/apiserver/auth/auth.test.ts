import { describe, expect, test } from "vitest";
import { pod, signer, TestApi } from "../api.testing.ts";
import { reconcilePolicy } from "../bootstrap/policy.ts";
import { impersonation } from "./impersonate.ts";
import { describeRule, type PolicyRule, ruleAllows, uncovered } from "./rules.ts";
import { authenticated, type User } from "./user.ts";

const user = (name: string, ...groups: string[]): User => authenticated({ name, groups });
const ask = (who: User, verb: string, resource: string, more: object = {}) =>
  ({
    kind: "resource",
    user: who,
    verb,
    group: "",
    resource,
    subresource: "",
    namespace: "default",
    name: "",
    ...more,
  }) as const;

async function withPolicy(): Promise<TestApi> {
  const api = await TestApi.open();
  await reconcilePolicy(api.core.registry, api.core.writer);
  const policy = api.core.registry.need("rbac.authorization.k8s.io", "v1", "clusterrolebindings");
  await policy.lister.state(policy.prefix(""), "");
  await api.core.registry.need("rbac.authorization.k8s.io", "v1", "clusterroles").lister.state("", "");
  return api;
}

describe("rules", () => {
  const bob = user("bob");
  const rule = (more: Partial<PolicyRule>): PolicyRule => ({
    verbs: ["get"],
    apiGroups: [""],
    resources: ["pods"],
    ...more,
  });
  test.each([
    ["the verb, group and resource", rule({}), ask(bob, "get", "pods"), true],
    ["another verb", rule({}), ask(bob, "list", "pods"), false],
    ["another group", rule({ apiGroups: ["apps"] }), ask(bob, "get", "pods"), false],
    ["a subresource is a resource of its own", rule({}), ask(bob, "get", "pods", { subresource: "log" }), false],
    ["a subresource by name", rule({ resources: ["pods/log"] }), ask(bob, "get", "pods", { subresource: "log" }), true],
    [
      "a subresource of anything",
      rule({ resources: ["*/scale"] }),
      ask(bob, "get", "x", { subresource: "scale" }),
      true,
    ],
    ["everything", rule({ resources: ["*"] }), ask(bob, "get", "x", { subresource: "scale" }), true],
    ["a name", rule({ resourceNames: ["a"] }), ask(bob, "get", "pods", { name: "a" }), true],
    ["another name", rule({ resourceNames: ["a"] }), ask(bob, "get", "pods", { name: "b" }), false],
    ["no name", rule({ resourceNames: ["a"] }), ask(bob, "get", "pods"), false],
    [
      "a path",
      { verbs: ["get"], nonResourceURLs: ["/api/*"] },
      { kind: "path", user: bob, verb: "get", path: "/api/v1" },
      true,
    ],
    [
      "a path outside",
      { verbs: ["get"], nonResourceURLs: ["/api/*"] },
      { kind: "path", user: bob, verb: "get", path: "/apis" },
      false,
    ],
  ] as const)("%s", (_what, given, asked, allowed) => {
    expect(ruleAllows(given, asked)).toBe(allowed);
  });

  test("what is not covered is told verb by verb", () => {
    const held = [rule({ verbs: ["get", "list"] })];
    const missing = uncovered(held, [
      rule({ verbs: ["get", "delete"] }),
      rule({ resources: ["secrets"], verbs: ["get"] }),
    ]);
    expect(missing.map(describeRule)).toEqual([
      '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
      '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
    ]);
    expect(uncovered([rule({ verbs: ["*"], resources: ["*"] })], [rule({ resources: ["pods/log"] })])).toEqual([]);
    expect(uncovered([rule({ resourceNames: ["a"] })], [rule({})])).not.toEqual([]);
  });
});

describe("the policy that every cluster has", () => {
  test.each([
    ["the masters may everything", user("x", "system:masters"), "delete", "nodes", true],
    ["the scheduler binds", user("system:kube-scheduler"), "list", "pods", true],
    ["the scheduler deletes no Services", user("system:kube-scheduler"), "delete", "services", false],
    ["kubelets read Services", user("system:node:a", "system:nodes"), "list", "services", true],
    [
      "kubelets read no Secrets but those of their pods",
      user("system:node:a", "system:nodes"),
      "list",
      "secrets",
      false,
    ],
    ["the name alone makes no kubelet", user("system:node:a"), "list", "services", false],
    ["the provisioner makes volumes", user("system:flotilla:provisioner"), "create", "persistentvolumes", true],
    ["the proxy reads Services", user("system:kube-proxy"), "watch", "services", true],
    ["the proxy reads pods, whose labels policies select", user("system:kube-proxy"), "watch", "pods", true],
    ["the proxy reads no Secrets", user("system:kube-proxy"), "list", "secrets", false],
    ["anybody else nothing", user("bob"), "get", "pods", false],
  ] as const)("%s", async (_what, who, verb, resource, allowed) => {
    const api = await withPolicy();
    expect(api.core.authorizer.authorize(ask(who, verb, resource)).allowed).toBe(allowed);
  });

  test("edit includes view, admin both, by aggregation", async () => {
    const api = await withPolicy();
    const rules = (name: string) => api.core.rbac.rulesOf({ kind: "ClusterRole", name }, "");
    expect(uncovered(rules("edit"), rules("view"))).toEqual([]);
    expect(uncovered(rules("admin"), rules("edit"))).toEqual([]);
    expect(uncovered(rules("view"), rules("edit"))).not.toEqual([]);
  });

  test("is not written again when nothing is missing, and repaired when something is", async () => {
    const api = await withPolicy();
    const before = await api.store.revision();
    await reconcilePolicy(api.core.registry, api.core.writer);
    expect(await api.store.revision()).toBe(before);
    const path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:discovery";
    const { body } = await api.request("GET", path);
    await api.request("PUT", path, { ...body, rules: [] });
    await reconcilePolicy(api.core.registry, api.core.writer);
    expect((await api.request("GET", path)).body.rules).toEqual(body.rules);
  });
});

describe("escalation", () => {
  test("nobody grants by role or binding what they do not have", async () => {
    const api = await withPolicy();
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    const grant = async (name: string, rules: PolicyRule[]) => {
      await api.request("POST", `${rbac}/clusterroles`, { metadata: { name }, rules });
      await api.request("POST", `${rbac}/clusterrolebindings`, {
        metadata: { name },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
        subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "carol" }],
      });
    };
    await grant("reader", [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }]);
    const policy = api.core.registry.need("rbac.authorization.k8s.io", "v1", "clusterrolebindings");
    await policy.lister.state(policy.prefix(""), "");
    const carol = { user: user("carol") };
    const own = { metadata: { name: "own" }, rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] };
    expect((await api.request("POST", `${rbac}/clusterroles`, own, carol)).code).toBe(201);
    const more = { metadata: { name: "more" }, rules: [{ verbs: ["delete"], apiGroups: [""], resources: ["pods"] }] };
    const refused = await api.request("POST", `${rbac}/clusterroles`, more, carol);
    expect(refused.code).toBe(403);
    expect(refused.body.message).toContain(
      'user "carol" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
    );
    const binding = {
      metadata: { name: "all" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "carol" }],
    };
    expect((await api.request("POST", `${rbac}/clusterrolebindings`, binding, carol)).code).toBe(403);
  });
});

describe("service account tokens", () => {
  const tokens = "/api/v1/namespaces/default/serviceaccounts/default/token";

  test("say who they are for, and hold until they expire or the account is gone", async () => {
    const api = await TestApi.open();
    const { body } = await api.request("POST", tokens, { spec: { expirationSeconds: 600 } });
    const { token } = body.status;
    const whose = () => api.core.authenticator.userOfToken(token, [signer.issuer]);
    expect(await whose()).toMatchObject({
      name: "system:serviceaccount:default:default",
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    });
    expect(await api.core.authenticator.userOfToken(token, ["somebody else"])).toBeUndefined();
    expect(await api.core.authenticator.userOfToken(`${token.slice(0, -4)}AAAA`, [signer.issuer])).toBeUndefined();
    await api.request("DELETE", "/api/v1/namespaces/default/serviceaccounts/default");
    await api.request("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
    const accounts = api.core.registry.need("", "v1", "serviceaccounts");
    await accounts.lister.state(accounts.prefix(""), "");
    expect(await whose()).toBeUndefined();
  });

  test("expire", async () => {
    const api = await TestApi.open();
    const { body } = await api.request("POST", tokens, { spec: { expirationSeconds: 600 } });
    api.clock.advance(601_000);
    expect(await api.core.authenticator.userOfToken(body.status.token, [signer.issuer])).toBeUndefined();
    expect((await api.request("POST", tokens, { spec: { expirationSeconds: 10 } })).code).toBe(422);
  });

  test("bound to a pod die with it", async () => {
    const api = await TestApi.open();
    const { body: created } = await api.request("POST", "/api/v1/namespaces/default/pods", pod("p"));
    const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "p", uid: created.metadata.uid };
    const { body } = await api.request("POST", tokens, { spec: { boundObjectRef } });
    const whose = () => api.core.authenticator.userOfToken(body.status.token, [signer.issuer]);
    expect(await whose()).toMatchObject({ extra: { "authentication.kubernetes.io/pod-name": ["p"] } });
    await api.request("DELETE", "/api/v1/namespaces/default/pods/p");
    expect(await whose()).toBeUndefined();
  });
});

describe("impersonation", () => {
  test("asks for every identity taken on", () => {
    const headers = {
      "impersonate-user": "system:serviceaccount:a:b",
      "impersonate-group": "g1, g2",
      "impersonate-extra-a%2fb": "c",
    };
    const taken = impersonation(headers, user("admin"));
    if (taken === undefined || taken === "NoUser") throw new Error("a user was named");
    expect(taken.user).toMatchObject({ groups: ["g1", "g2", "system:authenticated"], extra: { "a/b": ["c"] } });
    expect(taken.checks.map(({ resource, name, subresource }) => [resource, subresource, name])).toEqual([
      ["serviceaccounts", "", "b"],
      ["groups", "", "g1"],
      ["groups", "", "g2"],
      ["userextras", "a/b", "c"],
    ]);
    expect(impersonation({ "impersonate-group": "g" }, user("admin"))).toBe("NoUser");
    expect(impersonation({}, user("admin"))).toBeUndefined();
  });
});

test("reviews answer for others and for oneself", async () => {
  const api = await withPolicy();
  const attributes = { resourceAttributes: { verb: "list", resource: "pods", namespace: "default" } };
  const reviews = "/apis/authorization.k8s.io/v1";
  const other = await api.request("POST", `${reviews}/subjectaccessreviews`, {
    spec: { ...attributes, user: "system:kube-scheduler" },
  });
  expect(other.body.status).toEqual({
    allowed: true,
    reason:
      'RBAC: allowed by ClusterRoleBinding "system:kube-scheduler" of ClusterRole "system:kube-scheduler" to User "system:kube-scheduler"',
  });
  const own = await api.request(
    "POST",
    `${reviews}/selfsubjectaccessreviews`,
    { spec: attributes },
    { user: user("bob") },
  );
  expect(own).toMatchObject({ code: 201, body: { status: { allowed: false } } });
  expect((await api.request("POST", `${reviews}/subjectaccessreviews`, { spec: { user: "x" } })).code).toBe(422);
  const me = await api.request(
    "POST",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    {},
    { user: user("bob", "g") },
  );
  expect(me.body.status.userInfo).toEqual({ username: "bob", groups: ["g", "system:authenticated"] });
});
