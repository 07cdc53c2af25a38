import { expect, test } from "vitest";
import { Status } from "../../proto/mod.ts";
import { errorOf, mayRetry } from "./retry.ts";

const answered = (code: Status, message: string) => ({ code, message, unprocessed: false });

// The quota is looked at before a request goes into the log, and again when it is applied: NOSPACE does not say which.
test("a write that was refused for want of space may have happened", () => {
  const full = answered(Status.ResourceExhausted, "etcdserver: mvcc: database space exceeded");
  const error = errorOf(full, true);
  expect([error.etcdCode, error.maybeApplied]).toEqual(["NoSpace", true]);
  expect(mayRetry(full, true)).toBe(false);
});

test.each([
  ["what the server declined did not happen", answered(Status.FailedPrecondition, "no"), true, false],
  [
    "nor did what it says that it has not begun",
    { ...answered(Status.Unavailable, "no"), unprocessed: true },
    true,
    false,
  ],
  ["after a timeout nobody knows", answered(Status.DeadlineExceeded, "late"), true, true],
  ["what only reads changes nothing, whatever becomes of it", answered(Status.Unavailable, "gone"), false, false],
])("%s", (_, outcome, isWrite, maybeApplied) => {
  expect(errorOf(outcome, isWrite).maybeApplied).toBe(maybeApplied);
});
