import type { Timer } from "../../base/mod.ts";
import type { Init, Method } from "../../proto/mod.ts";
import type { ClientCall, Outcome } from "./call.ts";
import type { Channel } from "./channel.ts";
import type { CallConnection } from "./connection.ts";
import type { EtcdError } from "./error.ts";
import { backoffMs, errorOf, mayResume, wantsNewToken } from "./retry.ts";

/** Tokens in a row: users may change again while a stream is begun, but not for ever. */
const maxRefusals = 3;

export interface StreamOwner<Response> {
  /** Whether there is anything to keep a stream for. */
  readonly wantsStream: boolean;
  /** A server that knows nothing of the stream before. */
  begun(): void;
  received(response: Response): void;
  /** The stream ended for a reason that another one would meet too. */
  failed(error: EtcdError): void;
}

/** One stream for all that its owner wants of the cluster: where it breaks it is begun anew, with another member or another token. */
export class ResumedStream<Request, Response> {
  readonly #channel: Channel;
  readonly #method: Method<Request, Response>;
  readonly #owner: StreamOwner<Response>;
  #connection: CallConnection | undefined;
  #call: ClientCall | undefined;
  /** As whom the stream was begun. */
  #session: unknown;
  #connecting = false;
  #retry: Timer | undefined;
  /** Since the server last did what was asked of it. */
  #attempts = 0;
  #refusals = 0;

  constructor(channel: Channel, method: Method<Request, Response>, owner: StreamOwner<Response>) {
    this.#channel = channel;
    this.#method = method;
    this.#owner = owner;
  }

  get isOpen(): boolean {
    return this.#call !== undefined;
  }

  /** Nothing happens while there is no stream: its owner asks again for all that it wants when one has begun. */
  send(request: Init<Request>): void {
    if (this.#call !== undefined) this.#connection?.send(this.#call, request as Init<unknown>);
  }

  connect(): void {
    if (this.#connecting || !this.#owner.wantsStream || this.#channel.closed) return;
    this.#retry?.cancel();
    this.#connecting = true;
    this.#channel.connection().then(
      (connection) => {
        this.#connecting = false;
        this.#begin(connection);
      },
      (error: EtcdError) => {
        this.#connecting = false;
        this.#broken({ code: error.code, message: error.message, unprocessed: true });
      },
    );
  }

  end(): void {
    this.#retry?.cancel();
    if (this.#call !== undefined) this.#connection?.cancel(this.#call);
    this.#call = undefined;
  }

  /** The server does what is asked of it: whatever fails from now on is a failure of its own. */
  served(): void {
    this.#attempts = 0;
    this.#refusals = 0;
  }

  /** Whether an answer was about a token that was refused, and another can be had. */
  renewsToken(error: EtcdError): boolean {
    if (!wantsNewToken(error) || this.#refusals === maxRefusals) return false;
    this.#refusals++;
    return this.#channel.forgetToken(this.#session);
  }

  /** A stream's token is that of its beginning: with a new one goes a new stream. */
  beginAnew(): void {
    this.end();
    this.#retry = this.#channel.clock.after(backoffMs(this.#attempts++, this.#channel.random), () => this.connect());
  }

  #begin(connection: CallConnection): void {
    if (!this.#owner.wantsStream) return;
    this.#connection = connection;
    this.#session = this.#channel.session;
    const call: ClientCall<Response> = connection.start(this.#method, undefined, {
      message: (response) => this.#owner.received(response),
      end: (outcome) => {
        if (this.#call !== call) return;
        if (mayResume(outcome, this.#channel.hasOthers)) this.#channel.avoid(connection);
        this.#broken(outcome);
      },
    });
    this.#call = call as ClientCall;
    this.#owner.begun();
  }

  /** The stream has ended, or could not be begun. */
  #broken(outcome: Outcome): void {
    this.#call = undefined;
    const error = errorOf(outcome, false);
    const hasNewToken = this.renewsToken(error);
    if (mayResume(outcome, this.#channel.hasOthers) || hasNewToken) {
      this.#channel.log("debug", "stream broke", { method: this.#method.name, error: outcome.message });
      this.beginAnew();
    } else this.#owner.failed(error);
  }
}
