import { type Init, type Method, Status } from "../../proto/mod.ts";
import type { ClientCall } from "./call.ts";
import type { Channel } from "./channel.ts";
import { Inbox } from "./inbox.ts";
import { errorOf } from "./retry.ts";
import type { AtEndpoint, CallOptions } from "./types.ts";

/** The responses of a server-streaming call. Ends with the call, or throws its EtcdError or the signal's reason. */
export async function* serverStream<Request, Response>(
  channel: Channel,
  method: Method<Request, Response>,
  request: Init<Request>,
  { signal, timeoutMs, endpoint }: CallOptions & AtEndpoint,
): AsyncGenerator<Response, void, void> {
  signal?.throwIfAborted();
  const connection = await channel.connectionFor(endpoint);
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
