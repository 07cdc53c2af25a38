import type { Clock, Log } from "../../../base/mod.ts";
import { RpcError, Status } from "../../../proto/mod.ts";
import { type Caller, type CallListener, LocalCall, type OutgoingCall } from "./local-call.ts";
import { MethodCounters, type Routes } from "./route.ts";
import type { Call, CallObserver } from "./types.ts";

export interface LocalCallsOptions {
  readonly routes: Routes;
  readonly beforeCall: ((call: Call) => void) | undefined;
  readonly observer: CallObserver | undefined;
  readonly maxRequestBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The way into services that does not lead over a socket. */
export class LocalCalls {
  readonly #options: LocalCallsOptions;

  constructor(options: LocalCallsOptions) {
    this.#options = options;
  }

  /** Checked like any other call; counted and observed unless it is part of another one. Throws an `RpcError` when there is no such
   * method. */
  call(path: string, caller: Caller, listener: CallListener, counted = true): OutgoingCall {
    const { routes, beforeCall, observer, maxRequestBytes, clock } = this.#options;
    const route = routes.get(path);
    if (route?.handler === undefined) throw new RpcError(Status.Unimplemented, `unknown method ${path}`);
    const host = {
      beforeCall,
      observer: counted ? observer : undefined,
      maxRequestBytes,
      clock,
      handlerFailed: (call: Call, error: unknown) => handlerFailed(this.#options.log, call, error),
    };
    const call = new LocalCall(host, counted ? route : { ...route, counters: new MethodCounters() }, caller, listener);
    call.start();
    return call;
  }
}

/** The client is told the text alone. */
function handlerFailed(log: Log, { method }: Call, error: unknown): void {
  log("error", "handler failed", { method: method.path, error: error instanceof Error ? error.stack : error });
}
