/** A bug of ours: an invariant, given as a sentence, did not hold. Never caught to go on; it stops what it happens in. */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
}

/** States an invariant. Kept in production: the cost of a wrong answer is higher than that of the check. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new InvariantViolation(invariant);
}

/** Closes a switch over a union: a case that was forgotten does not compile. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`a case was not handled: ${JSON.stringify(value)}`);
}
