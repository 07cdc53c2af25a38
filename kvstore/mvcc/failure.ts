/** What an etcd client can expect to go wrong in the state machine, under the names of the error table in
 * `kvstore/rpc/errors.ts`, which gives each its gRPC status and text. */
export type StateFailureCode =
  | "EmptyKey"
  | "KeyNotFound"
  | "ValueProvided"
  | "LeaseProvided"
  | "TooManyOps"
  | "DuplicateKey"
  | "InvalidSortOption"
  | "Compacted"
  | "FutureRev"
  | "LeaseNotFound"
  | "LeaseExist"
  | "LeaseTTLTooLarge";

/** An expected failure, as a value: `Answer | Failure` is what the state machine returns. */
export interface Failure<Code extends string = StateFailureCode> {
  readonly failure: Code;
}

/** One frozen object per code: failing costs nothing. */
const failures = new Map<string, Failure<string>>();

export function fail<Code extends string>(code: Code): Failure<Code> {
  let failure = failures.get(code);
  if (failure === undefined) {
    failure = Object.freeze({ failure: code });
    failures.set(code, failure);
  }
  return failure as Failure<Code>;
}

export function isFailure<T extends object, Code extends string>(
  answer: T | Failure<Code> | undefined,
): answer is Failure<Code> {
  return answer !== undefined && "failure" in answer;
}
