import type { MessageSchema } from "./wire/message.ts";

export type MethodKind = "unary" | "serverStream" | "bidi";

/** One RPC: what goes in, what comes out, how many of each. */
export interface Method<Request = unknown, Response = unknown, Kind extends MethodKind = MethodKind> {
  readonly kind: Kind;
  readonly name: string;
  /** The HTTP/2 `:path`, such as `/etcdserverpb.KV/Range`. */
  readonly path: string;
  readonly request: MessageSchema<Request>;
  readonly response: MessageSchema<Response>;
}

type Unplaced<Request, Response, Kind extends MethodKind> = Omit<Method<Request, Response, Kind>, "path">;

export function unary<A, B>(
  name: string,
  request: MessageSchema<A>,
  response: MessageSchema<B>,
): Unplaced<A, B, "unary"> {
  return { kind: "unary", name, request, response };
}

export function serverStream<A, B>(
  name: string,
  request: MessageSchema<A>,
  response: MessageSchema<B>,
): Unplaced<A, B, "serverStream"> {
  return { kind: "serverStream", name, request, response };
}

export function bidi<A, B>(
  name: string,
  request: MessageSchema<A>,
  response: MessageSchema<B>,
): Unplaced<A, B, "bidi"> {
  return { kind: "bidi", name, request, response };
}

type Placed<M> = M extends Unplaced<infer A, infer B, infer K> ? Method<A, B, K> : never;

/** The methods of a service under their names in lowerCamelCase. */
export type Service<M = Readonly<Record<string, Method>>> = { readonly name: string; readonly methods: M };

/** `name` includes the package: `etcdserverpb.KV`. */
export function service<M extends Readonly<Record<string, Unplaced<unknown, unknown, MethodKind>>>>(
  name: string,
  methods: M,
): Service<{ readonly [K in keyof M]: Placed<M[K]> }> {
  const placed = Object.entries(methods).map(([key, method]) => [key, { ...method, path: `/${name}/${method.name}` }]);
  return { name, methods: Object.fromEntries(placed) };
}
