import type { Random } from "../../base/mod.ts";
import { etcdErrorName, Status } from "../../proto/mod.ts";
import type { Outcome } from "./call.ts";
import { EtcdError } from "./error.ts";

/** The server looked at the request and declined: it was not, and will not be, carried out. */
const definite: ReadonlySet<number> = new Set([
  Status.InvalidArgument,
  Status.NotFound,
  Status.AlreadyExists,
  Status.PermissionDenied,
  Status.FailedPrecondition,
  Status.OutOfRange,
  Status.Unimplemented,
  Status.Unauthenticated,
]);

/** What the outcome of a failed call means to its caller. */
export function errorOf(outcome: Outcome, isWrite: boolean): EtcdError {
  const maybeApplied = isWrite && !outcome.unprocessed && !definite.has(outcome.code);
  return new EtcdError(outcome.code, outcome.message, { maybeApplied });
}

/** Whether the same call may be made again, here or elsewhere: always if nothing was done, else only if it does nothing. */
export function mayRetry(outcome: Outcome, isWrite: boolean): boolean {
  if (outcome.unprocessed) return outcome.code === Status.Unavailable;
  return !isWrite && outcome.code === Status.Unavailable;
}

/** The token has expired, or users have changed since it was given: a new one helps, and nothing was done. */
export function wantsNewToken(error: EtcdError): boolean {
  return (
    error.etcdCode === "InvalidAuthToken" || error.etcdCode === "AuthOldRevision" || error.etcdCode === "UserEmpty"
  );
}

/** The member is a learner, and has done nothing: any other member will. */
export function isLearners(outcome: Outcome): boolean {
  return etcdErrorName(outcome.message) === "NotSupportedForLearner";
}

/** Streams that a member ended for reasons of its own go on at another, if there are `others`. */
export function mayResume(outcome: Outcome, others: boolean): boolean {
  return outcome.code === Status.Unavailable || outcome.code === Status.Internal || (others && isLearners(outcome));
}

const firstDelayMs = 25;
const longestDelayMs = 1000;

/** Before the `attempt`-th repetition, counted from 0: twice as long each time, and half of it by chance, so that clients of
 * a failed member do not all return at once. */
export function backoffMs(attempt: number, random: Random): number {
  const ms = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 10));
  return ms / 2 + random.below(1000) * (ms / 2000);
}
