import { describe, expect, test } from "vitest";
import { type CertificateSigningRequest, type KubeObject, StatusError } from "../../api/mod.ts";
import { withDecision } from "./certificate-approval.ts";

const NOW = Date.parse("2026-11-23T06:00:00Z");
const csr = (conditions: object[]) =>
  ({
    metadata: { name: "bob", resourceVersion: "7" },
    spec: { signerName: "s" },
    status: { conditions },
  }) as unknown as CertificateSigningRequest & KubeObject;
const approved = { type: "Approved", status: "True", reason: "KubectlApprove", message: "by hand" };
const denied = { type: "Denied", status: "True", reason: "KubectlDeny" };

describe("a decision", () => {
  test("is noted with its time, and changes nothing else", () => {
    const given = csr([approved]);
    given.spec.signerName = "other";
    const next = withDecision(given, csr([]), NOW);
    const time = "2026-11-23T06:00:00Z";
    expect(next.status?.conditions).toEqual([{ ...approved, lastUpdateTime: time, lastTransitionTime: time }]);
    expect(next.spec.signerName).toBe("s");
  });

  test.each([
    ["is taken back", [], [approved], 'updates may not remove a condition of type "Approved"'],
    ["turns into the other", [approved, denied], [approved], "Approved and Denied conditions are mutually exclusive"],
    ["is unsure", [{ ...approved, status: "False" }], [], 'Unsupported value: "False": supported values: "True"'],
    ["is a failure", [{ type: "Failed", status: "True" }], [], 'updates may not add a condition of type "Failed"'],
  ])("that %s is refused", (_what, next, before, why) => {
    const stamped = before.map((condition) => ({ ...condition, lastUpdateTime: "t", lastTransitionTime: "t" }));
    const given = next.map((condition) => stamped.find(({ type }) => type === condition.type) ?? condition);
    let message = "";
    try {
      withDecision(csr(given), csr(stamped), NOW);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      message = error.status.message;
    }
    expect(message).toContain(why);
  });
});
