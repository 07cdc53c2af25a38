import { describe, expect, test } from "vitest";
import { parseRequest } from "../http/request-info.ts";
import { Auditor } from "./auditor.ts";
import { parseAuditPolicy } from "./policy.ts";

const POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, users: ["system:kube-proxy"], verbs: [watch]}
  - {level: Metadata, resources: [{group: "", resources: [secrets, configmaps]}]}
  - {level: Request, resources: [{group: apps}], namespaces: [shop]}
  - {level: None, nonResourceURLs: ["/healthz*", /version]}
  - {level: RequestResponse, userGroups: [devs]}
`;
const user = (name: string, ...groups: string[]) => ({ name, groups });
const asked = (method: string, uri: string) =>
  parseRequest(method, uri.split("?")[0] as string, new URLSearchParams(uri.split("?")[1]));

describe("a policy's first rule that fits counts", () => {
  test.each([
    ["GET", "/api/v1/services?watch=true", user("system:kube-proxy"), "None"],
    ["GET", "/api/v1/namespaces/shop/secrets/db", user("bob"), "Metadata"],
    ["PUT", "/apis/apps/v1/namespaces/shop/deployments/web", user("bob"), "Request"],
    ["PUT", "/apis/apps/v1/namespaces/other/deployments/web", user("bob"), "None"],
    ["GET", "/healthz/etcd", user("dora", "devs"), "None"],
    ["GET", "/metrics", user("dora", "devs"), "RequestResponse"],
    ["PATCH", "/api/v1/namespaces/shop/secrets/db/status", user("dora", "devs"), "RequestResponse"],
  ])("%s %s by %j: %s", (method, uri, who, level) => {
    expect(parseAuditPolicy(POLICY)(asked(method, uri), who).level).toBe(level);
  });

  test.each([
    ["kind: Policy", "it is no Policy of audit.k8s.io/v1"],
    ["{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: All}]}", "rules[0].level must be one of None"],
    ["{apiVersion: audit.k8s.io/v1, kind: Policy}", "it has no rules"],
  ])("what makes no sense is refused: %s", (text, why) => {
    expect(() => parseAuditPolicy(text)).toThrow(why);
  });
});

function recorded(who: ReturnType<typeof user>, method: string, uri: string, impersonator?: ReturnType<typeof user>) {
  const lines: string[] = [];
  const auditor = new Auditor({
    policy: parseAuditPolicy(POLICY),
    sink: { write: (line) => void lines.push(line) },
    now: () => Date.parse("2026-11-23T06:00:00Z"),
  });
  const record = auditor.begin({
    auditId: "id",
    info: asked(method, uri),
    uri,
    user: who,
    impersonator,
    sourceIp: "127.0.0.1",
    userAgent: "kubectl",
  });
  const body = { text: Buffer.from('{"spec":{"replicas":3}}') };
  record?.write("ResponseComplete", body, { code: 200, contentType: "application/json", body: '{"kind":"Answer"}' });
  return lines.map((line) => JSON.parse(line));
}

test("an event says who, what and how it ended", () => {
  const [event, ...others] = recorded(user("bob", "g"), "PUT", "/apis/apps/v1/namespaces/shop/deployments/web");
  expect(others).toEqual([]);
  expect(event).toEqual({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Request",
    auditID: "id",
    stage: "ResponseComplete",
    requestURI: "/apis/apps/v1/namespaces/shop/deployments/web",
    verb: "update",
    user: { username: "bob", groups: ["g"] },
    sourceIPs: ["127.0.0.1"],
    userAgent: "kubectl",
    objectRef: { resource: "deployments", namespace: "shop", name: "web", apiGroup: "apps", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 200 },
    requestObject: { spec: { replicas: 3 } },
    requestReceivedTimestamp: "2026-11-23T06:00:00.000000Z",
    stageTimestamp: "2026-11-23T06:00:00.000000Z",
  });
});

test("of a Secret never more than its name is written, and both names of who takes another's", () => {
  const [event] = recorded(user("dora"), "PUT", "/api/v1/namespaces/shop/secrets/db", user("admin"));
  expect(event.requestObject).toBeUndefined();
  expect(event.responseObject).toBeUndefined();
  expect([event.user.username, event.impersonatedUser.username]).toEqual(["admin", "dora"]);
});
