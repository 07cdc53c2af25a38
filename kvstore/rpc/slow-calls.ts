import { type Clock, fromUtf8, goDuration, type Log } from "../../base/mod.ts";
import { Status, statusName } from "../../proto/mod.ts";
import type { CallObserver } from "./grpc/mod.ts";

export interface SlowCallsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly limitMs: number;
}

/** Logs calls with one answer that took longer than they should, with what they were about: the key, and no values. */
export function slowCalls({ clock, log, limitMs }: SlowCallsOptions): CallObserver {
  return {
    ended(call, code, tookMs) {
      if (tookMs <= limitMs || call.method.kind !== "unary") return;
      const { method, request, response, peer } = call;
      log("warn", "request stats", {
        "start time": new Date(clock.now() - tookMs).toISOString(),
        "time spent": goDuration(tookMs),
        remote: peer.address,
        "response type": method.path,
        "request size": method.request.size(request ?? {}),
        "response size": method.response.size(response ?? {}),
        "request content": contentOf(request),
        ...(code !== Status.OK && { error: statusName(code) }),
      });
    },
  };
}

function contentOf(request: unknown): string {
  const { key, rangeEnd } = (request ?? {}) as { readonly key?: unknown; readonly rangeEnd?: unknown };
  const parts: string[] = [];
  if (key instanceof Uint8Array) parts.push(`key:${JSON.stringify(fromUtf8(key))}`);
  if (rangeEnd instanceof Uint8Array && rangeEnd.length > 0)
    parts.push(`range_end:${JSON.stringify(fromUtf8(rangeEnd))}`);
  return parts.join(" ");
}
