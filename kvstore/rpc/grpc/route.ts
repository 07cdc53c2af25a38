import { type Header, type HeaderBlock, type Method, parseTimeout } from "../../../proto/mod.ts";
import type { BidiHandler, Implementation, ServerStreamHandler, UnaryHandler } from "./types.ts";

/** What happened to the calls of one method since the start. Plain numbers, since every call counts. */
export class MethodCounters {
  started = 0;
  /** Messages. */
  received = 0;
  sent = 0;
  /** Calls that ended, by status. */
  readonly handled: number[] = Array.from({ length: statusCount }, () => 0);
}

const statusCount = 17;

/** A method and who answers it. */
export interface Route {
  readonly method: Method;
  readonly counters: MethodCounters;
  readonly handler:
    | UnaryHandler<unknown, unknown>
    | ServerStreamHandler<unknown, unknown>
    | BidiHandler<unknown, unknown>
    | undefined;
}

export type Routes = ReadonlyMap<string, Route>;

/** By path. Methods without a handler are listed too, so that they can be told from methods that do not exist. */
export function routesOf(implementations: readonly Implementation[]): Routes {
  const routes = new Map<string, Route>();
  for (const { service, handlers } of implementations) {
    for (const [key, method] of Object.entries(service.methods)) {
      const handler = handlers[key] as Route["handler"];
      routes.set(method.path, { method, counters: new MethodCounters(), handler });
    }
  }
  return routes;
}

/** What the head of a request asks for. */
export interface RequestHead {
  readonly isGrpc: boolean;
  readonly path: string;
  readonly route: Route | undefined;
  readonly timeoutMs: number | undefined;
  /** A compression of messages, which none is supported of. */
  readonly encoding: string | undefined;
  readonly fields: readonly Header[];
}

/** Reads a head, once for all requests that have the same. */
export function readHead(block: HeaderBlock, routes: Routes): RequestHead {
  if (block.note !== undefined) return block.note as RequestHead;
  const path = block.path ?? "";
  const timeout = block.get("grpc-timeout");
  const encoding = block.get("grpc-encoding");
  const head = {
    isGrpc: block.method === "POST" && (block.get("content-type") ?? "").startsWith("application/grpc"),
    path,
    route: routes.get(path),
    timeoutMs: timeout === undefined ? undefined : parseTimeout(timeout),
    encoding: encoding === "identity" ? undefined : encoding,
    fields: block.fields,
  };
  block.note = head;
  return head;
}
