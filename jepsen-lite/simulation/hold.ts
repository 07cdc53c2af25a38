/** Something that must never happen has happened. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** What was broken: stable, for counting and for finding again. */
  readonly property: string;

  constructor(property: string, detail: string) {
    super(`${property}: ${detail}`);
    this.property = property;
  }
}

export function hold(condition: boolean, property: string, detail: () => string): asserts condition {
  if (!condition) throw new Violation(property, detail());
}
