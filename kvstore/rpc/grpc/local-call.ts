import type { Clock, Timer } from "../../../base/mod.ts";
import { type Init, type Method, RpcError, Status } from "../../../proto/mod.ts";
import type { Route } from "./route.ts";
import type {
  BidiCall,
  BidiHandler,
  Call,
  CallObserver,
  EndedCall,
  Peer,
  Receiver,
  UnaryCall,
  UnaryHandler,
} from "./types.ts";

/** On whose behalf a call is made. */
export interface Caller {
  readonly peer: Peer;
  metadata(key: string): string | undefined;
  readonly timeoutMs?: number | undefined;
}

/** The caller's end: what comes back. */
export interface CallListener {
  /** A decoded answer, which may be kept. False: the listener does not keep up, and will say `drained`. */
  message(response: unknown): boolean;
  /** A part of the one answer, which may come in parts if this is there: the parts are merged. False as above. */
  part?(response: unknown): boolean;
  /** Once, last. OK too. */
  end(code: Status, message: string): void;
  /** After `send` returned false: more is wanted. */
  resume?(): void;
}

/** The caller's end: what goes out. */
export interface OutgoingCall {
  /** False: later is better, after `resume`. Nothing is lost by going on, except memory. */
  send(request: unknown): boolean;
  /** No more requests. A call that takes one request begins now. */
  close(): void;
  /** Nobody wants the answer any more. The listener hears nothing after this. */
  cancel(): void;
  drained(): void;
}

export interface LocalCallHost {
  readonly beforeCall: ((call: Call) => void) | undefined;
  readonly observer: CallObserver | undefined;
  readonly maxRequestBytes: number;
  readonly clock: Clock;
  handlerFailed(call: Call, error: unknown): void;
}

/**
 * A call that comes from within the process: the gateway's, for a client that speaks JSON, or that of a service that is made of
 * others. Handlers cannot tell it from one that came over the wire. Answers are encoded and decoded again, since handlers answer
 * with pairs that are encoded already, and with views of what will be reused.
 */
export class LocalCall implements UnaryCall<unknown>, BidiCall<unknown>, EndedCall, OutgoingCall {
  cancelled = false;
  onCancel: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  readonly startedMs: number;
  request: unknown;
  response: unknown;
  readonly #host: LocalCallHost;
  readonly #route: Route;
  readonly #caller: Caller;
  readonly #listener: CallListener;
  readonly #timer: Timer | undefined;
  #receiver: Receiver<unknown> | undefined;
  #paused = false;
  #closed = false;
  #over = false;
  readonly #waiting: unknown[] = [];

  constructor(host: LocalCallHost, route: Route, caller: Caller, listener: CallListener) {
    this.#host = host;
    this.#route = route;
    this.#caller = caller;
    this.#listener = listener;
    this.startedMs = host.clock.monotonic();
    route.counters.started++;
    const { timeoutMs } = caller;
    if (timeoutMs !== undefined) this.#timer = host.clock.after(timeoutMs, () => this.#expire());
  }

  // What the handler sees.

  get method(): Method {
    return this.#route.method;
  }

  get peer(): Peer {
    return this.#caller.peer;
  }

  get timeoutMs(): number | undefined {
    return this.#caller.timeoutMs;
  }

  /** Kept by the listener. */
  get bufferedBytes(): number {
    return 0;
  }

  metadata(key: string): string | undefined {
    return this.#caller.metadata(key);
  }

  reply(message: Init<unknown>): void {
    if (this.#over) return;
    this.response = message;
    this.write(message);
    this.end();
  }

  replyInParts(bytes: number, parts: Iterator<Init<unknown>>): void {
    if (this.#over) return;
    this.#route.counters.sent++;
    if (this.#listener.part !== undefined) {
      this.onDrain = () => this.#passParts(parts);
      this.#passParts(parts);
      return;
    }
    const { response } = this.method;
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (let part = parts.next(); !part.done; part = parts.next()) {
      response.size(part.value);
      at = response.write(part.value, whole, at);
    }
    this.#listener.message(response.decode(whole));
    this.end();
  }

  #passParts(parts: Iterator<Init<unknown>>): void {
    const { response } = this.method;
    for (let keepsUp = true; keepsUp && !this.#over; ) {
      const { done, value } = parts.next();
      if (done) this.end();
      else keepsUp = this.#listener.part?.(response.decode(response.encode(value))) ?? true;
    }
  }

  writePieces(pieces: readonly Uint8Array[]): boolean {
    if (this.#over) return true;
    this.#route.counters.sent++;
    return this.#listener.message(this.method.response.decode(Buffer.concat(pieces)));
  }

  write(message: Init<unknown>): boolean {
    if (this.#over) return true;
    this.#route.counters.sent++;
    const { response } = this.method;
    return this.#listener.message(response.decode(response.encode(message)));
  }

  end(): void {
    this.#finish(Status.OK, "");
  }

  fail(code: Status, message: string): void {
    this.#finish(code, message);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && !this.#over && this.#waiting.length > 0) this.#receive(this.#waiting.shift());
    if (this.#paused || this.#over) return;
    if (this.#closed) this.#guard(() => this.#receiver?.end());
    else this.#listener.resume?.();
  }

  // What the caller does.

  /** Checks the call, as one that just arrived. */
  start(): void {
    this.#guard(() => {
      this.#host.beforeCall?.(this);
      if (this.#over || this.method.kind !== "bidi") return;
      this.#receiver = (this.#route.handler as BidiHandler<unknown, unknown>)(this);
    });
  }

  send(request: unknown): boolean {
    if (this.#over || this.#closed) return true;
    if (this.#paused || this.#waiting.length > 0) this.#waiting.push(request);
    else this.#receive(request);
    return !this.#paused;
  }

  close(): void {
    if (this.#over || this.#closed) return;
    this.#closed = true;
    if (this.method.kind !== "bidi") this.#guard(() => this.#run());
    else if (this.#waiting.length === 0) this.#guard(() => this.#receiver?.end());
  }

  cancel(): void {
    if (this.#over) return;
    const { onCancel } = this;
    this.cancelled = true;
    this.#settle(Status.Canceled);
    this.#notify(onCancel);
  }

  drained(): void {
    if (!this.#over) this.#guard(() => this.onDrain?.());
  }

  #receive(request: unknown): void {
    this.#guard(() => {
      this.#checkSize(request);
      this.#route.counters.received++;
      this.request ??= request;
      this.#receiver?.message(request);
    });
  }

  #checkSize(request: unknown): void {
    const size = this.method.request.size(request as Init<unknown>);
    const { maxRequestBytes } = this.#host;
    if (size <= maxRequestBytes) return;
    const text = `grpc: received message larger than max (${size} vs. ${maxRequestBytes})`;
    throw new RpcError(Status.ResourceExhausted, text);
  }

  #run(): void {
    if (this.request === undefined) throw new RpcError(Status.Internal, `${this.method.path} takes a request message`);
    const pending = (this.#route.handler as UnaryHandler<unknown, unknown>)(this.request, this);
    if (pending !== undefined) pending.then(undefined, (error: unknown) => this.#failWith(error));
  }

  #expire(): void {
    if (this.#over) return;
    const { onCancel } = this;
    this.fail(Status.DeadlineExceeded, "context deadline exceeded");
    this.cancelled = true;
    this.#notify(onCancel);
  }

  #notify(onCancel: (() => void) | undefined): void {
    try {
      onCancel?.();
    } catch (error) {
      this.#host.handlerFailed(this, error);
    }
  }

  /** Runs a handler's code: what it throws is the answer. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failWith(error);
    }
  }

  #failWith(error: unknown): void {
    if (error instanceof RpcError) {
      this.fail(error.code, error.message);
      return;
    }
    this.#host.handlerFailed(this, error);
    this.fail(Status.Unknown, error instanceof Error ? error.message : String(error));
  }

  #finish(code: Status, message: string): void {
    if (this.#over) return;
    this.#settle(code);
    this.#listener.end(code, message);
  }

  #settle(code: Status): void {
    this.#over = true;
    this.onCancel = undefined;
    this.onDrain = undefined;
    this.#timer?.cancel();
    this.#route.counters.handled[code]!++;
    const { observer } = this.#host;
    if (observer !== undefined) observer.ended(this, code, this.#host.clock.monotonic() - this.startedMs);
  }
}
