import { assert, type Clock, type Log, type Random } from "../../base/mod.ts";
import { AuthService, type Init, type Method, type OutgoingHeader, Status } from "../../proto/mod.ts";
import type { ClientCall, Outcome } from "./call.ts";
import type { CallConnection, ConnectionSettings, Dial } from "./connection.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { EtcdError } from "./error.ts";
import { backoffMs, errorOf, isLearners, mayRetry, wantsNewToken } from "./retry.ts";
import type { CallOptions, EtcdClientOptions } from "./types.ts";

/** Logins for one call: users may change again while it is made. */
const loginsPerCall = 3;

/** How long a call that sets no deadline is repeated while all members are unavailable. */
const patienceMs = 10_000;

export interface UnaryOptions extends CallOptions {
  /** Sending it twice may do something else than sending it once. */
  readonly isWrite: boolean;
  /** Only this endpoint will do. */
  readonly endpoint?: string | undefined;
}

/** What a client stands on. */
export interface ChannelWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: Dial;
}

/** The members of a cluster as one place to call. Calls go to one member until it fails; then to the next. */
export class Channel {
  readonly clock: Clock;
  readonly log: Log;
  /** Of how long to wait, and where to begin. */
  readonly random: Random;
  readonly #connect: Dial;
  readonly #endpoints: readonly Endpoint[];
  readonly #settings: ConnectionSettings;
  readonly #auth: EtcdClientOptions["auth"];
  readonly #timeoutMs: number | undefined;
  readonly #connections = new Map<Endpoint, CallConnection>();
  readonly #baseMetadata: readonly OutgoingHeader[];
  #metadata: readonly OutgoingHeader[];
  #login: Promise<void> | undefined;
  /** Index of the endpoint in use. */
  #current = 0;
  #closed = false;

  constructor(options: EtcdClientOptions, world: ChannelWorld) {
    assert(options.endpoints.length > 0, "a client has at least one endpoint");
    const { clock, random, dial } = world;
    this.clock = clock;
    this.random = random;
    this.#connect = dial;
    this.log = options.log ?? (() => undefined);
    this.#endpoints = options.endpoints.map(parseEndpoint);
    this.#current = random.below(this.#endpoints.length);
    this.#auth = options.auth;
    this.#timeoutMs = options.timeoutMs;
    this.#baseMetadata = options.requireLeader === false ? [] : [{ name: "hasleader", value: "true" }];
    this.#metadata = options.token === undefined ? this.#baseMetadata : this.#with(options.token);
    this.#settings = {
      tls: options.tls,
      dialTimeoutMs: options.dialTimeoutMs ?? 2000,
      keepaliveMs: options.keepaliveMs ?? 10_000,
      keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? 5000,
      clock,
      log: this.log,
      metadata: () => this.#metadata,
    };
  }

  /** There is more than one member to turn to. */
  get hasOthers(): boolean {
    return this.#endpoints.length > 1;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close("the client was closed");
  }

  /** The connection in use, if it can take a call this moment. */
  get ready(): CallConnection | undefined {
    if (this.#auth !== undefined && this.#metadata === this.#baseMetadata) return undefined;
    const connection = this.#connections.get(this.#endpoints[this.#current] as Endpoint);
    return connection?.usable === true ? connection : undefined;
  }

  /** Connects to the endpoint in use, or, if that fails, to the next that answers. Rejects with an EtcdError when none does. */
  async connection(): Promise<CallConnection> {
    if (this.ready !== undefined) return this.ready;
    const failures: string[] = [];
    for (let tries = 0; tries < this.#endpoints.length; tries++) {
      if (this.#closed) break;
      const index = this.#current;
      const connection = this.#dial(this.#endpoints[index] as Endpoint);
      try {
        await connection.opened;
        await this.#authenticated(connection);
        if (connection.usable) return connection;
      } catch (error) {
        if (error instanceof EtcdError && error.code !== Status.Unavailable) throw error;
      }
      failures.push(`${connection.endpoint.name}: ${connection.failure}`);
      if (this.#current === index) this.#current = (index + 1) % this.#endpoints.length;
    }
    const why = this.#closed ? "the client was closed" : `no endpoint can be reached: ${failures.join("; ")}`;
    throw new EtcdError(this.#closed ? Status.Canceled : Status.Unavailable, why);
  }

  /** Something is wrong with the member behind this connection: others are to be preferred. */
  avoid(connection: CallConnection): void {
    if (this.#endpoints[this.#current] !== connection.endpoint || this.#endpoints.length === 1) return;
    this.#current = (this.#current + 1) % this.#endpoints.length;
    this.log("debug", "changing endpoint", {
      from: connection.endpoint.name,
      to: this.#endpoints[this.#current]?.name,
    });
  }

  /** What calls started now say of who makes them. Another after each login. */
  get session(): unknown {
    return this.#metadata;
  }

  /** The token of `session` was refused: has the next call log in again, unless that has happened meanwhile. False if this client
   * does not log in. */
  forgetToken(session: unknown): boolean {
    if (this.#auth === undefined) return false;
    if (this.#metadata === session) this.#metadata = this.#baseMetadata;
    return true;
  }

  /** Makes a unary call, as often as it takes and may be. */
  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Init<Request>,
    options: UnaryOptions,
  ): Promise<Response> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const untilMs = this.clock.monotonic() + (timeoutMs ?? patienceMs);
    let logins = 0;
    for (let attempt = 0; ; attempt++) {
      options.signal?.throwIfAborted();
      const left = timeoutMs === undefined ? undefined : Math.max(1, untilMs - this.clock.monotonic());
      const result = await this.#attempt(method, request, options, left);
      if (!("failed" in result)) return result.response;
      const error = errorOf(result.failed, options.isWrite);
      const again = wantsNewToken(error)
        ? logins++ < loginsPerCall && this.forgetToken(result.session)
        : mayRetry(result.failed, options.isWrite) ||
          (this.hasOthers && options.endpoint === undefined && isLearners(result.failed));
      if (!again || this.#closed) throw error;
      const delayMs = backoffMs(Math.floor(attempt / this.#endpoints.length), this.random);
      if (this.clock.monotonic() + delayMs >= untilMs) throw error;
      await this.#pause(delayMs, options.signal);
    }
  }

  async #attempt<Request, Response>(
    method: Method<Request, Response>,
    request: Init<Request>,
    { endpoint, signal }: UnaryOptions,
    timeoutMs: number | undefined,
  ): Promise<{ readonly response: Response } | { readonly failed: Outcome; readonly session: unknown }> {
    let connection = endpoint === undefined ? this.ready : undefined;
    if (connection === undefined) {
      try {
        const connecting = endpoint === undefined ? this.connection() : this.#connectionTo(endpoint);
        connection = await this.#within(connecting, timeoutMs, signal);
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        return { failed: { code: error.code, message: error.message, unprocessed: true }, session: undefined };
      }
    }
    const chosen = connection;
    const { session } = this;
    return new Promise((resolve, reject) => {
      let response: Response | undefined;
      let abort: (() => void) | undefined;
      const call = chosen.start(
        method,
        request,
        {
          message: (message) => {
            response = message;
          },
          end: (outcome) => {
            if (abort !== undefined) signal?.removeEventListener("abort", abort);
            if (outcome.code === Status.OK && response !== undefined) resolve({ response });
            else {
              const isElsewhere = outcome.code === Status.Unavailable || isLearners(outcome);
              if (isElsewhere && endpoint === undefined) this.avoid(chosen);
              resolve({ failed: outcome.code === Status.OK ? missingResponse : outcome, session });
            }
          },
        },
        timeoutMs,
      );
      if (signal === undefined) return;
      abort = () => {
        chosen.cancel(call as ClientCall);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** The connection to one endpoint, which need not be among the client's own. */
  async #connectionTo(name: string): Promise<CallConnection> {
    const endpoint = this.#endpoints.find((own) => own.name === name) ?? this.#known(name) ?? parseEndpoint(name);
    const connection = this.#dial(endpoint);
    try {
      await connection.opened;
    } catch (cause) {
      throw new EtcdError(Status.Unavailable, `${name} cannot be reached: ${connection.failure}`, { cause });
    }
    await this.#authenticated(connection);
    return connection;
  }

  async connectionFor(endpoint: string | undefined): Promise<CallConnection> {
    return endpoint === undefined ? this.connection() : this.#connectionTo(endpoint);
  }

  #known(name: string): Endpoint | undefined {
    return [...this.#connections.keys()].find((endpoint) => endpoint.name === name);
  }

  #dial(endpoint: Endpoint): CallConnection {
    const existing = this.#connections.get(endpoint);
    if (existing?.alive) return existing;
    existing?.retire();
    const connection = this.#connect(endpoint, this.#settings);
    this.#connections.set(endpoint, connection);
    return connection;
  }

  /** Logs in once for all; a token is good at every member. */
  async #authenticated(connection: CallConnection): Promise<void> {
    if (this.#auth === undefined || this.#metadata !== this.#baseMetadata) return;
    this.#login ??= this.#authenticate(connection, this.#auth).finally(() => {
      this.#login = undefined;
    });
    await this.#login;
  }

  #authenticate(connection: CallConnection, auth: NonNullable<EtcdClientOptions["auth"]>): Promise<void> {
    return new Promise((resolve, reject) => {
      connection.start(AuthService.methods.authenticate, auth, {
        message: ({ token }) => {
          this.#metadata = this.#with(token);
        },
        end: (outcome) => {
          const error = errorOf(outcome, false);
          if (outcome.code === Status.OK) resolve();
          else if (error.etcdCode === "AuthNotEnabled") {
            this.#metadata = [...this.#baseMetadata]; // nobody asks for a token
            resolve();
          } else reject(error);
        },
      });
    });
  }

  #with(token: string): readonly OutgoingHeader[] {
    return [...this.#baseMetadata, { name: "token", value: token }];
  }

  /** Resolves after a while, rejects when aborted. */
  #pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.clock.after(delayMs, resolve);
    return unlessAborted(promise, signal).finally(() => timer.cancel());
  }

  #within<T>(promise: Promise<T>, timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<T> {
    if (timeoutMs === undefined) return unlessAborted(promise, signal);
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = this.clock.after(timeoutMs, () =>
      reject(new EtcdError(Status.DeadlineExceeded, "no endpoint could be reached in time")),
    );
    return unlessAborted(Promise.race([promise, late]), signal).finally(() => timer.cancel());
  }
}

const missingResponse: Outcome = { code: Status.Internal, message: "the server sent no response", unprocessed: false };

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", abort));
}
