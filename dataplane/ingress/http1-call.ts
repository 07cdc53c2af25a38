import { Agent, type ClientRequest, request } from "node:http";
import type { Socket } from "node:net";
import type { Call, CallEvents, Question } from "./call.ts";
import { endToEnd } from "./headers.ts";

/** An endpoint's connection is not used again after this long without a request. */
const idleConnectionMs = 60_000;

/** Keeps connections to endpoints open between requests. */
export function keepAliveAgent(): Agent {
  return new Agent({ keepAlive: true, maxFreeSockets: 256, scheduling: "lifo", timeout: idleConnectionMs });
}

export function callHttp1(question: Question, agent: Agent, events: CallEvents): Call {
  const { endpoint, method, target: path, headers } = question;
  const upstream = request({ host: endpoint.address, port: endpoint.port, method, path, headers, agent });
  let connected = false;
  let answered = false;
  whenConnected(upstream, question, () => {
    connected = true;
    events.connected();
  });
  upstream.once("response", (message) => {
    answered = true;
    events.answered({
      status: message.statusCode as number,
      reason: message.statusMessage,
      headers: endToEnd(message.headers),
      body: message,
      headOnly: false,
      trailers: () => message.trailers,
    });
  });
  // What breaks after the head is told by the answer's body.
  upstream.on("error", (error) => {
    if (!answered) events.failed(error, connected);
  });
  upstream.once("close", () => events.closed());
  return { body: upstream, cancel: (error) => upstream.destroy(error) };
}

/** Calls `then` when the request has a connection that works; its error is told by the request. */
export function whenConnected(
  upstream: ClientRequest,
  { clock, connectMs }: Pick<Question, "clock" | "connectMs">,
  then: () => void,
): void {
  upstream.once("socket", (socket: Socket) => {
    if (!socket.connecting) {
      then();
      return;
    }
    const timer = clock.after(connectMs, () => upstream.destroy(new Error("no connection in time")));
    socket.once("close", () => timer.cancel());
    socket.once("connect", () => {
      timer.cancel();
      then();
    });
  });
}
