/** An object as it would behave alone: what linearizability compares a history with. */
export interface Model<State, Op> {
  readonly initial: State;
  /**
   * The state after `op`, which happened with the result it had; undefined when it could not have had that result here. Never changes `state`. For a crashed
   * operation there is no result, and what it may do is all that counts.
   */
  step(state: State, op: Op): State | undefined;
  /**
   * Whether `op` leaves every state as it is. By its kind: a write that happens to write what is there already is no read. Linearizing such a write as soon as
   * it is legal can waste it, when the value is needed again after another write.
   */
  isRead(op: Op): boolean;
  /** Whether `op` changes the state and is legal in few states only: these are looked out for, to be used where they fit. A hint: it decides no verdict. */
  isConditional?(op: Op): boolean;
  /** 32 bits, the same for equal states. */
  hash(state: State): number;
  equal(a: State, b: State): boolean;
  /** For people: `write a = 3`. */
  describe(op: Op): string;
  describeState(state: State): string;
}

/** An operation and when it was under way, in positions of the history. */
export interface Call<Op> {
  readonly op: Op;
  /** Index of the invocation. */
  readonly invoked: number;
  /** Index of the completion; Infinity for an operation that may happen at any later time, or never. */
  readonly returned: number;
}
