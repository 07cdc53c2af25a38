import type { Service } from "../../../proto/mod.ts";
import type { Handlers, Implementation } from "./types.ts";

/** Ties handlers to a service's methods, checking their types. */
export function implement<S extends Service<unknown>>(service: S, handlers: Handlers<S>): Implementation {
  return { service: service as unknown as Service, handlers: handlers as Readonly<Record<string, unknown>> };
}
