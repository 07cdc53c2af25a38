import { type Init, type Method, Status } from "../../proto/mod.ts";
import type { ClientCall } from "./call.ts";
import type { Channel } from "./channel.ts";
import type { CallConnection } from "./connection.ts";
import { EtcdError } from "./error.ts";
import { Inbox } from "./inbox.ts";
import { errorOf, wantsNewToken } from "./retry.ts";
import type { AtEndpoint, CallOptions } from "./types.ts";

/** The responses of a server-streaming call. Ends with the call, or throws its EtcdError or the signal's reason. A token that is
 * refused is renewed once. */
export async function* serverStream<Request, Response>(
  channel: Channel,
  method: Method<Request, Response>,
  request: Init<Request>,
  options: CallOptions & AtEndpoint,
): AsyncGenerator<Response, void, void> {
  options.signal?.throwIfAborted();
  const connection = await channel.connectionFor(options.endpoint);
  const { session } = channel;
  try {
    yield* responses(connection, method, request, options);
  } catch (error) {
    // It is refused before anything is answered.
    if (!(error instanceof EtcdError && wantsNewToken(error) && channel.forgetToken(session))) throw error;
    yield* responses(await channel.connectionFor(options.endpoint), method, request, options);
  }
}

async function* responses<Request, Response>(
  connection: CallConnection,
  method: Method<Request, Response>,
  request: Init<Request>,
  { signal, timeoutMs }: CallOptions,
): AsyncGenerator<Response, void, void> {
  const inbox = new Inbox<Response>();
  const listener = {
    message: (response: Response) => inbox.put(response),
    end: (outcome: Parameters<typeof errorOf>[0]) =>
      inbox.end(outcome.code === Status.OK ? {} : { error: errorOf(outcome, false) }),
  };
  const call = connection.start(method, request, listener, timeoutMs) as ClientCall;
  const abort = () => inbox.end({ error: signal?.reason });
  signal?.addEventListener("abort", abort, { once: true });
  try {
    yield* inbox.take();
  } finally {
    signal?.removeEventListener("abort", abort);
    connection.cancel(call);
  }
}
