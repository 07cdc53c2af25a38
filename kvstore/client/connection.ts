import type { Clock, Log } from "../../base/mod.ts";
import type { Init, Method, OutgoingHeader } from "../../proto/mod.ts";
import type { CallListener, ClientCall } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ClientTlsOptions } from "./types.ts";

export interface ConnectionSettings {
  readonly tls: ClientTlsOptions | undefined;
  readonly dialTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Sent with every call. */
  metadata(): readonly OutgoingHeader[];
}

/** A connection to one member, from dialling to its end: the seam between the client and the network. */
export interface CallConnection {
  readonly endpoint: Endpoint;
  /** Settles when the server has answered; rejects if it does not come to that. */
  readonly opened: Promise<void>;
  /** Takes new calls. */
  readonly usable: boolean;
  /** Takes new calls, or may come to that. */
  readonly alive: boolean;
  /** Why it is no longer. */
  readonly failure: string;
  /** Starts a call and sends its first request; a unary call has but one. The listener is never called before this returns. */
  start<Request, Response>(
    method: Method<Request, Response>,
    request: Init<Request> | undefined,
    listener: CallListener<Response>,
    timeoutMs?: number,
  ): ClientCall<Response>;
  /** Sends one more message. Only for bidi calls. */
  send(call: ClientCall, request: Init<unknown>): void;
  /** Ends a call from this side; its listener hears nothing more. */
  cancel(call: ClientCall): void;
  close(why: string): void;
  /** No new calls; closes once those in progress are over. */
  retire(): void;
}

export type Dial = (endpoint: Endpoint, settings: ConnectionSettings) => CallConnection;
