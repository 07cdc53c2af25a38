import type { OutgoingHttpHeaders } from "node:http";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../../base/mod.ts";
import type { Endpoint } from "./endpoints.ts";

/** What an endpoint is asked, in whichever version of HTTP. Headers are in lower case, end-to-end only, and have a `host`. */
export interface Question {
  readonly endpoint: Endpoint;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: OutgoingHttpHeaders;
  /** For a connection, if there is none yet. */
  readonly connectMs: number;
  readonly clock: Clock;
}

export interface Answer {
  readonly status: number;
  /** HTTP/2 has none. */
  readonly reason: string | undefined;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Readable;
  /** HTTP/2 says so in the head itself: no body and no trailers follow. */
  readonly headOnly: boolean;
  /** Complete when the body has ended. */
  trailers(): OutgoingHttpHeaders;
}

/** What becomes of a call: `connected`, then `answered`, then `closed`; `failed` in place of what has not happened by then. */
export interface CallEvents {
  /** The body may be sent. */
  connected(): void;
  /** After this, a failure is that of the answer's body: it closes without having ended. */
  answered(answer: Answer): void;
  /** `seen`: the endpoint may have begun to act on the request. */
  failed(error: Error, seen: boolean): void;
  closed(): void;
}

export interface Call {
  /** Takes the request's body; to be ended, also when there is none. */
  readonly body: Writable;
  /** Nothing of it is wanted any more. */
  cancel(error?: Error): void;
}
