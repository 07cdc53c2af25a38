import type { MessageSchema } from "./message.ts";

export type ScalarKind =
  | "bool"
  | "bytes"
  | "string"
  | "enum"
  | "uint32"
  | "int64"
  | "uint64"
  | "clampedInt64"
  | "bigInt64"
  | "bigUint64";

/** One field of a message. `T` is the type of its decoded value and exists for the compiler alone. */
export interface Field<T> {
  readonly number: number;
  readonly kind: ScalarKind | "message";
  /** Of an embedded message; a function because messages may contain each other. */
  readonly type?: () => MessageSchema<unknown>;
  readonly repeated: boolean;
  /** Repeated numbers: one length-delimited run (proto3) or a tag before each (proto2). Reading takes both. */
  readonly packed: boolean;
  /** `optional`: absent is `undefined`, and a zero is written. `always`: written even when zero or absent.
   * `implicit`: absent and zero are the same and not written (proto3). */
  readonly presence: "implicit" | "optional" | "always";
  /** Fields with the same object here exclude each other. */
  readonly oneof: object | undefined;
  /** In the .proto file, where that is not the name here in snake_case. */
  readonly protoName?: string;
  /** Of an enum: its numbers by name. */
  readonly values?: Readonly<Record<string, number>>;
  readonly phantom?: T;
}

function scalar<T>(kind: ScalarKind): (number: number) => Field<T> {
  return (number) => ({ number, kind, repeated: false, packed: false, presence: "implicit", oneof: undefined });
}

export const bool = scalar<boolean>("bool");
/** Decoded as a view of the input: whoever keeps it longer than the input, copies it. */
export const bytes = scalar<Uint8Array>("bytes");
export const string = scalar<string>("string");
export const uint32 = scalar<number>("uint32");
/** Revisions, counts, sizes. What a number cannot hold exactly throws, in both directions. */
export const int64 = scalar<number>("int64");
export const uint64 = scalar<number>("uint64");
/** An int64 that clients choose freely, such as a limit or a revision to read at. Nothing in a store reaches 2^53,
 * so a larger one means the same as 2^53 - 1, and is read as that. */
export const clampedInt64 = scalar<number>("clampedInt64");
/** Ids drawn at random use all 64 bits. */
export const bigInt64 = scalar<bigint>("bigInt64");
export const bigUint64 = scalar<bigint>("bigUint64");

/** proto3 enums are open: a number without a name is decoded as it stands, whatever the type says. Whoever acts on
 * one that a client chose handles the default case. */
export function enumeration<E extends Readonly<Record<string, number>>>(number: number, values: E): Field<E[keyof E]> {
  return { ...scalar<E[keyof E]>("enum")(number), values };
}

/** For the fields whose name in the .proto file is not in snake_case: JSON shows it. */
export function named<T>(protoName: string, field: Field<T>): Field<T> {
  return { ...field, protoName };
}

/** An embedded message; absent is `undefined`, and present but empty is written. */
export function embedded<T>(number: number, type: () => MessageSchema<T>): Field<T | undefined> {
  return { ...base(number, type), presence: "optional" };
}

export function repeated<T>(field: Field<T>): Field<readonly Exclude<T, undefined>[]> {
  const packed = field.kind !== "bytes" && field.kind !== "string" && field.kind !== "message";
  const { number, kind, type, values } = field;
  const described = { number, kind, ...(type && { type }), ...(values && { values }) };
  return { ...described, repeated: true, packed, presence: "implicit", oneof: undefined };
}

/** Repeated numbers as proto2 writes them. */
export function unpacked<T>(field: Field<readonly T[]>): Field<readonly T[]> {
  return { ...field, packed: false };
}

/** Written even when zero, like the non-nullable fields of etcd's proto2 messages. An absent message reads as empty. */
export function always<T>(field: Field<T>): Field<Exclude<T, undefined>> {
  const { phantom: _, ...rest } = field;
  return { ...rest, presence: "always" };
}

/** At most one of these is not `undefined`; reading a second one clears the first. */
export function oneof<F extends Readonly<Record<string, Field<unknown>>>>(fields: F): OneofFields<F> {
  const group = {};
  const entries = Object.entries(fields).map(([name, field]) => [
    name,
    { ...field, presence: "optional", oneof: group },
  ]);
  return Object.fromEntries(entries) as OneofFields<F>;
}

type OneofFields<F> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? Field<T | undefined> : never };

function base<T>(number: number, type: () => MessageSchema<T>) {
  return { number, kind: "message", type, repeated: false, packed: false, oneof: undefined } as const;
}

/** The name of a field in the .proto file. */
export function protoNameOf(name: string, { protoName }: Field<unknown>): string {
  return protoName ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
