import { describe, expect, test } from "vitest";
import * as status from "./status.ts";
import { FieldErrors } from "./validation/field-errors.ts";

const pods = { group: "", resource: "pods" };
const deployments = { group: "apps", resource: "deployments" };

describe("failures in the words of Kubernetes", () => {
  test.each<[string, status.FailureStatus, number, string, string]>([
    ["unauthorized", status.unauthorized(), 401, "Unauthorized", "Unauthorized"],
    ["forbidden", status.forbidden(pods, "x", "no"), 403, "Forbidden", 'pods "x" is forbidden: no'],
    ["forbidden list", status.forbidden(deployments, "", "no"), 403, "Forbidden", "deployments.apps is forbidden: no"],
    ["not found", status.notFound(deployments, "x"), 404, "NotFound", 'deployments.apps "x" not found'],
    ["no such path", status.pathNotFound(), 404, "NotFound", "the server could not find the requested resource"],
    ["already exists", status.alreadyExists(pods, "x"), 409, "AlreadyExists", 'pods "x" already exists'],
    [
      "conflict",
      status.conflict(pods, "x"),
      409,
      "Conflict",
      'Operation cannot be fulfilled on pods "x": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [
      "method",
      status.methodNotAllowed(pods, "create"),
      405,
      "MethodNotAllowed",
      'create is not supported on resources of kind "pods"',
    ],
    ["internal", status.internalError("boom"), 500, "InternalError", "Internal error occurred: boom"],
    ["timeout", status.timeout("waited"), 504, "Timeout", "Timeout: waited"],
    ["too new", status.resourceVersionTooLarge(9, 7), 504, "Timeout", "Too large resource version: 9, current: 7"],
    ["expired", status.expired("too old resource version: 1 (5)"), 410, "Expired", "too old resource version: 1 (5)"],
  ])("%s", (_, failure, code, reason, message) => {
    expect(failure).toMatchObject({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message });
  });

  test("details name the resource, under the name of kind", () => {
    expect(status.notFound(deployments, "x").details).toEqual({ name: "x", group: "apps", kind: "deployments" });
  });
});

describe("an invalid object", () => {
  test("with one error: the error", () => {
    const errors = new FieldErrors();
    errors.required("spec.containers");
    expect(status.invalid({ group: "", kind: "Pod" }, "x", errors.list)).toMatchObject({
      code: 422,
      message: 'Pod "x" is invalid: spec.containers: Required value',
      details: {
        name: "x",
        kind: "Pod",
        causes: [{ reason: "FieldValueRequired", message: "Required value", field: "spec.containers" }],
      },
    });
  });

  test("with several: a list, the same sentence told once", () => {
    const errors = new FieldErrors();
    errors.invalid("a", -1, "must be positive");
    errors.notSupported("b", "x", ["y", "z"]);
    errors.invalid("a", -1, "must be positive");
    expect(status.invalid({ group: "apps", kind: "Deployment" }, "x", errors.list).message).toBe(
      'Deployment.apps "x" is invalid: [a: Invalid value: -1: must be positive, b: Unsupported value: "x": supported values: "y", "z"]',
    );
  });

  test.each<[string, (errors: FieldErrors) => void, string]>([
    ["forbidden", (errors) => errors.forbidden("f", "not now"), "Forbidden: not now"],
    ["duplicate", (errors) => errors.duplicate("f", "a"), 'Duplicate value: "a"'],
    ["not found", (errors) => errors.notFound("f", "a"), 'Not found: "a"'],
    ["too long", (errors) => errors.tooLong("f", 63), "Too long: may not be more than 63 bytes"],
    ["too many", (errors) => errors.tooMany("f", 5, 3), "Too many: 5: must have at most 3 items"],
    ["an object", (errors) => errors.invalid("f", { a: 1 }, "no"), 'Invalid value: {"a":1}: no'],
  ])("%s", (_, report, message) => {
    const errors = new FieldErrors();
    report(errors);
    expect(errors.list[0]?.message).toBe(message);
  });
});

test("a deletion that took effect at once answers with what is gone", () => {
  expect(status.deleted(deployments, "x", "u")).toEqual({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: "x", group: "apps", kind: "deployments", uid: "u" },
  });
});
