import { assert } from "../../base/mod.ts";
import type { Codec } from "./codec.ts";
import { compile } from "./compile.ts";
import { Encoded } from "./encoded.ts";
import type { Field } from "./field.ts";
import { allowance, unlimited } from "./runtime.ts";
import { sizes } from "./sizes.ts";
import { allocate } from "./slab.ts";

/** What encoding takes: any field may be missing, any embedded message may be `Encoded`. */
export type Init<T> = T extends Scalar
  ? T
  : T extends readonly (infer U)[]
    ? readonly Init<U>[]
    : { readonly [K in keyof T]?: Init<T[K]> } | Encoded<T>;

type Scalar = number | bigint | boolean | string | Uint8Array | undefined;

export type Fields = Readonly<Record<string, Field<unknown>>>;

export type Infer<M> = M extends MessageSchema<infer T> ? T : never;

type Decoded<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** Describes one message type and turns its values into bytes and back. The code that does so is made for the type on
 * first use. */
export class MessageSchema<T> {
  /** Full name, with the package. */
  readonly name: string;
  readonly fields: Fields;
  #codec: Codec<T> | undefined;

  constructor(name: string, fields: Fields) {
    this.name = name;
    this.fields = fields;
  }

  /** Compiled on demand, since messages may contain each other. */
  get codec(): Codec<T> {
    this.#codec ??= compile(this);
    return this.#codec;
  }

  /** Throws `WireError` for a number that does not fit. The result may share its `buffer` with others. */
  encode(value: Init<T>): Uint8Array {
    const bytes = allocate(this.size(value));
    this.write(value, bytes, 0);
    return bytes;
  }

  /** The two halves of `encode`, for writing into a larger buffer. `write` must follow `size` of the same value with
   * no other encoding in between: it relies on the lengths of embedded messages that `size` has noted. */
  size(value: Init<T>): number {
    if (value instanceof Encoded) return value.length;
    sizes.next = 0;
    return this.codec.size(value as object);
  }

  /** Returns the offset after the last byte written. */
  write(value: Init<T>, into: Uint8Array, at: number): number {
    if (value instanceof Encoded) {
      into.set(value.bytes, at);
      return at + value.length;
    }
    sizes.next = 0;
    return this.codec.write(value as object, into, at);
  }

  /** Byte fields are views of `bytes`. Unknown fields are skipped. Throws `WireError`. */
  decode(bytes: Uint8Array): T {
    return this.decodeRange(bytes, 0, bytes.length);
  }

  /** `mostMessages`: with more, this one and those within it, it is refused. */
  decodeRange(bytes: Uint8Array, start: number, end: number, mostMessages = unlimited): T {
    assert(start <= end && end <= bytes.length, "a message lies inside its buffer");
    allowance.left = mostMessages;
    return this.codec.decode(bytes, start, end, 0);
  }

  /** Encoded once, to be embedded many times. */
  preEncode(value: Init<T>): Encoded<T> {
    return value instanceof Encoded ? value : new Encoded<T>(this.encode(value));
  }

  /** The value with every missing field at its default, as `decode` would give it. Shares what it was given. */
  create(value: Init<T> = {} as Init<T>): T {
    return this.codec.create(value as object);
  }
}

export function message<F extends Fields>(name: string, fields: F): MessageSchema<Decoded<F>> {
  return new MessageSchema(name, fields);
}

/** For types that contain themselves: the compiler cannot infer those, so their shape is declared. */
export function recursiveMessage<T>(
  name: string,
  fields: { readonly [K in keyof T]-?: Field<T[K]> },
): MessageSchema<T> {
  return new MessageSchema(name, fields);
}
