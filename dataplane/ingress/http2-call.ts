import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { isIPv6 } from "node:net";
import type { Log } from "../../base/mod.ts";
import type { Call, CallEvents, Question } from "./call.ts";
import { type Endpoint, endpointId } from "./endpoints.ts";
import { endToEnd } from "./headers.ts";

/** A session without requests for this long is closed. */
const idleSessionMs = 60_000;

/** Calls over HTTP/2 without TLS (prior knowledge), all to one endpoint over one connection. */
export class Http2Sessions {
  readonly #log: Log;
  /** By endpoint. One that will take no more requests is not in it. */
  readonly #sessions = new Map<string, ClientHttp2Session>();

  constructor(log: Log) {
    this.#log = log;
  }

  call(question: Question, events: CallEvents): Call {
    const { endpoint, method, target, headers, connectMs, clock } = question;
    const session = this.#session(endpoint);
    const { host, ...others } = headers;
    const stream = session.request(
      { ":method": method, ":scheme": "http", ":authority": host, ":path": target, ...others },
      { endStream: false },
    );
    let connected = false;
    let answered = false;
    let failed = false;
    let trailers: IncomingHttpHeaders = {};
    const fail = (error: Error) => {
      if (answered || failed) return;
      failed = true;
      // Who refuses a stream says that nothing was done with it (RFC 9113 §8.7).
      events.failed(error, connected && stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM);
    };
    const begin = () => {
      connected = true;
      events.connected();
    };
    if (session.connecting) {
      const timer = clock.after(connectMs, () => session.destroy(new Error("no connection in time")));
      stream.once("close", () => timer.cancel());
      session.once("connect", () => {
        timer.cancel();
        if (!stream.destroyed) begin();
      });
    } else queueMicrotask(begin);
    stream.on("response", (head, flags) => {
      answered = true;
      events.answered({
        status: Number(head[":status"]),
        reason: undefined,
        headers: endToEnd(head),
        body: stream,
        headOnly: (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0,
        trailers: () => endToEnd(trailers),
      });
    });
    stream.on("trailers", (given) => {
      trailers = given;
    });
    stream.on("error", fail);
    stream.once("close", () => {
      fail(new Error(`the endpoint closed the stream with code ${stream.rstCode}`));
      events.closed();
    });
    const cancel = (error?: Error) => {
      if (error !== undefined) stream.destroy(error);
      else stream.close(constants.NGHTTP2_CANCEL);
    };
    return { body: stream, cancel };
  }

  destroy(): void {
    for (const session of this.#sessions.values()) session.destroy();
    this.#sessions.clear();
  }

  #session(endpoint: Endpoint): ClientHttp2Session {
    const id = endpointId(endpoint);
    const known = this.#sessions.get(id);
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const { address, port } = endpoint;
    const session = connect(`http://${isIPv6(address) ? `[${address}]` : address}:${port}`);
    const leave = () => {
      if (this.#sessions.get(id) === session) this.#sessions.delete(id);
    };
    session.on("goaway", leave);
    session.on("close", leave);
    // Its streams are told each for itself.
    session.on("error", (error: Error) => {
      leave();
      this.#log("debug", "a session with an endpoint broke", { endpoint: id, error: error.message });
    });
    session.setTimeout(idleSessionMs, () => session.close());
    this.#sessions.set(id, session);
    return session;
  }
}
