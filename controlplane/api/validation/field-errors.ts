/** What is wrong with one field, in the words kubectl users know. */
export interface FieldError {
  readonly type: FieldErrorType;
  /** Path from the object's root, such as `spec.containers[0].image`. */
  readonly field: string;
  /** Without the path: `Invalid value: "x": must be …`. */
  readonly message: string;
}

const titles = {
  FieldValueNotFound: "Not found",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  FieldValueTypeInvalid: "Invalid value",
} as const;

export type FieldErrorType = keyof typeof titles;

/**
 * Collects what is wrong with an object. A validator takes one, the path of what it looks at, and the value; it reports everything
 * it finds, because a user who has to fix ten fields wants to hear of all ten.
 */
export class FieldErrors {
  readonly list: FieldError[] = [];

  required(field: string, detail = ""): void {
    this.#add("FieldValueRequired", field, undefined, detail);
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.#add("FieldValueInvalid", field, value, detail);
  }

  /** One error for each complaint; none when there is none. */
  invalidEach(field: string, value: unknown, complaints: readonly string[]): void {
    for (const complaint of complaints) this.invalid(field, value, complaint);
  }

  notSupported(field: string, value: unknown, supported: readonly string[]): void {
    const detail = `supported values: ${supported.map((v) => JSON.stringify(v)).join(", ")}`;
    this.#add("FieldValueNotSupported", field, value, detail);
  }

  forbidden(field: string, detail: string): void {
    this.#add("FieldValueForbidden", field, undefined, detail);
  }

  duplicate(field: string, value: unknown): void {
    this.#add("FieldValueDuplicate", field, value, "");
  }

  notFound(field: string, value: unknown): void {
    this.#add("FieldValueNotFound", field, value, "");
  }

  tooLong(field: string, maxBytes: number): void {
    this.#add("FieldValueTooLong", field, undefined, `may not be more than ${maxBytes} bytes`);
  }

  tooMany(field: string, count: number, max: number): void {
    this.#add("FieldValueTooMany", field, count, `must have at most ${max} items`);
  }

  #add(type: FieldErrorType, field: string, value: unknown, detail: string): void {
    let message: string = titles[type];
    // JSON is how Go prints these values too: strings quoted, numbers bare, objects in full.
    if (value !== undefined) message += `: ${JSON.stringify(value)}`;
    if (detail !== "") message += `: ${detail}`;
    this.list.push({ type, field, message });
  }
}
