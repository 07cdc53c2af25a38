import type { Timer } from "../../base/mod.ts";
import {
  type CallConnection,
  type CallListener,
  ClientCall,
  type ConnectionSettings,
  type Endpoint,
} from "../../kvstore/client/mod.ts";
import { type Init, type Method, Status } from "../../proto/mod.ts";
import type { Process } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Owner, Timeline } from "./timeline.ts";

export interface ConnectionWorld {
  readonly timeline: Timeline;
  readonly network: Network;
  /** The client's host, and the client. */
  readonly host: number;
  readonly client: Owner;
  processAt(hostname: string): Process | undefined;
  /** The host of that name, running or not. */
  hostAt(hostname: string): number;
}

type Outgoing = ReturnType<NonNullable<Process["local"]>["call"]>;

/** Of a stream, so many messages may be on their way that the client has not said to have read: then whoever sends has to wait. */
const windowMessages = 4;

const peer = { address: "client", encrypted: false, certificate: undefined };

/** A client's connection to a member over the simulated network: calls reach the member's services as if they had come over a socket. */
export class VirtualConnection implements CallConnection {
  readonly endpoint: Endpoint;
  readonly #world: ConnectionWorld;
  readonly #settings: ConnectionSettings;
  readonly #server: number;
  readonly #opened = Promise.withResolvers<void>();
  readonly #calls = new Map<ClientCall, { outgoing?: Outgoing }>();
  #target: Process | undefined;
  #state: "dialling" | "open" | "closed" = "dialling";
  #why = "the connection was closed";
  #retired = false;
  #heardMs: number;
  #keepalive: Timer | undefined;

  constructor(endpoint: Endpoint, settings: ConnectionSettings, world: ConnectionWorld) {
    this.endpoint = endpoint;
    this.#world = world;
    this.#settings = settings;
    this.#heardMs = settings.clock.monotonic();
    this.#opened.promise.catch(() => undefined); // nobody may be waiting
    const hostname = "host" in endpoint.address ? endpoint.address.host : endpoint.address.path;
    this.#server = world.hostAt(hostname);
    const timer = settings.clock.after(settings.dialTimeoutMs, () => this.#lost("dialling timed out"));
    const answered = (happen: () => void) => () => {
      timer.cancel();
      if (this.#state === "dialling") happen();
    };
    const target = world.processAt(hostname);
    if (target === undefined || target.local === undefined) {
      this.#back(answered(() => this.#lost("connection refused")));
      return;
    }
    this.#target = target;
    target.onDeath(() => this.#back(() => this.#lost("connection reset")));
    this.#there(() => this.#back(answered(() => this.#open())));
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get usable(): boolean {
    return this.#state === "open" && !this.#retired;
  }

  get alive(): boolean {
    return this.#state === "dialling" || this.usable;
  }

  get failure(): string {
    return this.#why;
  }

  start<Request, Response>(
    method: Method<Request, Response>,
    request: Init<Request> | undefined,
    listener: CallListener<Response>,
    timeoutMs?: number,
  ): ClientCall<Response> {
    const call = new ClientCall<Response>(method as Method, listener) as ClientCall;
    const server: { outgoing?: Outgoing } = {};
    this.#calls.set(call, server);
    if (timeoutMs !== undefined) {
      call.timer = this.#settings.clock.after(timeoutMs, () => {
        this.#hangUp(call);
        call.end(Status.DeadlineExceeded, "context deadline exceeded");
      });
    }
    const bytes = request === undefined ? undefined : method.request.encode(request);
    const headers = new Map(this.#settings.metadata().map(({ name, value }) => [name, value]));
    const isStream = method.kind !== "unary";
    let unread = 0;
    this.#there(() => {
      const { local } = this.#target as Process;
      if (local === undefined) return;
      const caller = { peer, metadata: (key: string) => headers.get(key), timeoutMs };
      server.outgoing = local.call(method.path, caller, {
        message: (response) => {
          const isRead = () => {
            unread--;
            if (unread === windowMessages - 1) server.outgoing?.drained();
          };
          this.#back(() => {
            call.deliver(response);
            if (isStream) this.#there(isRead);
          });
          return !isStream || ++unread < windowMessages;
        },
        end: (code, message) => this.#back(() => this.#ended(call, code, message)),
      });
      if (bytes === undefined) return;
      server.outgoing.send(method.request.decode(bytes));
      if (method.kind !== "bidi") server.outgoing.close();
    });
    return call as ClientCall<Response>;
  }

  send(call: ClientCall, request: Init<unknown>): void {
    const server = this.#calls.get(call);
    if (call.over || server === undefined) return;
    const bytes = call.method.request.encode(request);
    this.#there(() => server.outgoing?.send(call.method.request.decode(bytes)));
  }

  cancel(call: ClientCall): void {
    if (call.over) return;
    call.over = true;
    call.timer?.cancel();
    this.#hangUp(call);
  }

  close(why: string): void {
    for (const call of [...this.#calls.keys()]) this.#hangUp(call);
    this.#lost(why);
  }

  retire(): void {
    this.#retired = true;
  }

  #open(): void {
    this.#state = "open";
    this.#watchOver();
    this.#opened.resolve();
  }

  #ended(call: ClientCall, code: Status, message: string): void {
    this.#calls.delete(call);
    call.end(code, message);
  }

  #hangUp(call: ClientCall): void {
    const server = this.#calls.get(call);
    this.#calls.delete(call);
    if (server !== undefined && this.#target !== undefined) this.#there(() => server.outgoing?.cancel());
  }

  #lost(why: string): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#keepalive?.cancel();
    this.#why = why;
    this.#opened.reject(new Error(why));
    for (const call of [...this.#calls.keys()]) {
      this.#calls.delete(call);
      call.end(Status.Unavailable, why, !wasOpen);
    }
  }

  /** While calls are in progress, silence is answered with a ping, and lasting silence with the end: as a real connection does it. */
  #watchOver(): void {
    const { clock, keepaliveMs, keepaliveTimeoutMs } = this.#settings;
    const isIdle = this.#calls.size === 0;
    const silentMs = clock.monotonic() - this.#heardMs;
    if (isIdle || silentMs < keepaliveMs) {
      this.#keepalive = clock.after(isIdle ? keepaliveMs : keepaliveMs - silentMs, () => this.#watchOver());
      return;
    }
    const askedMs = clock.monotonic();
    this.#there(() => this.#back(() => undefined));
    this.#keepalive = clock.after(keepaliveTimeoutMs, () => {
      if (this.#heardMs < askedMs) this.#lost(`no answer within ${keepaliveTimeoutMs} ms`);
      else this.#watchOver();
    });
  }

  #there(arrive: () => void): void {
    const { network, host } = this.#world;
    const to = this.#target as Process;
    const reset = () => this.#back(() => this.#lost("connection timed out"));
    network.stream(host, this.#server, { to, kind: "client", arrive }, reset);
  }

  #back(arrive: () => void): void {
    const { network, host, client } = this.#world;
    const broken = () => this.#lost("connection timed out");
    const heard = () => {
      this.#heardMs = this.#settings.clock.monotonic();
      arrive();
    };
    network.stream(this.#server, host, { to: client, kind: "client", arrive: heard }, broken);
  }
}
