import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resultOf, sentenceOf, statusOf } from "./command-status.ts";

describe("the Status that kubectl reads", () => {
  test("of success says nothing else", () => {
    expect(statusOf({ kind: "exited", code: 0, message: "" })).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
    });
  });

  test("of an exit code has it as a cause", () => {
    expect(statusOf({ kind: "exited", code: 3, message: "exit status 3" })).toMatchObject({
      status: "Failure",
      reason: "NonZeroExitCode",
      message: "command terminated with non-zero exit code: exit status 3",
      details: { causes: [{ reason: "ExitCode", message: "3" }] },
    });
  });

  test("of a failure is an internal error", () => {
    expect(statusOf({ kind: "failed", message: "no such program" })).toMatchObject({
      status: "Failure",
      reason: "InternalError",
      code: 500,
      message: "Internal error occurred: no such program",
    });
  });
});

test("whatever a server of ours says, a client of ours understands", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.string(), (code, message) => {
      const result = { kind: "exited", code, message: code === 0 ? "" : message } as const;
      expect(resultOf(JSON.stringify(statusOf(result)))).toEqual(result);
    }),
  );
  expect(resultOf(JSON.stringify(statusOf({ kind: "failed", message: "why" })))).toEqual({
    kind: "failed",
    message: "Internal error occurred: why",
  });
});

test.each([
  ["an older server's sentence", "command terminated: boom"],
  ["a Status with another reason", '{"status":"Failure","message":"m","reason":"NotFound"}'],
  ["an exit code that is none", '{"status":"Failure","reason":"NonZeroExitCode","message":"m"}'],
  [
    "causes that are none",
    '{"status":"Failure","reason":"NonZeroExitCode","message":"m","details":{"causes":[{"reason":"ExitCode","message":"x"}]}}',
  ],
  ["JSON that is no object", "null"],
  ["causes of another type", '{"status":"Failure","reason":"NonZeroExitCode","message":"m","details":{"causes":7}}'],
])("%s is a failure", (_what, text) => {
  expect(resultOf(text).kind).toBe("failed");
});

test("any text is a result", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void resultOf(text)));
});

test("before version 4 there is a sentence, and none for success", () => {
  expect(sentenceOf({ kind: "exited", code: 0, message: "" })).toBe("");
  expect(sentenceOf({ kind: "exited", code: 1, message: "m" })).toBe("command terminated with non-zero exit code: m");
  expect(sentenceOf({ kind: "failed", message: "m" })).toBe("m");
});
