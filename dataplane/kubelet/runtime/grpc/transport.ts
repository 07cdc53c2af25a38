import type { Client, ServiceError } from "@grpc/grpc-js";
import { type Clock, pause } from "../../../../base/mod.ts";
import { type Method, statusName } from "../../../../proto/mod.ts";
import { CriError, type CriErrorCode } from "../cri.ts";

const codes = new Set<string>([
  "NotFound",
  "InvalidArgument",
  "DeadlineExceeded",
  "Unimplemented",
  "FailedPrecondition",
  "PermissionDenied",
  "Unauthenticated",
  "Unavailable",
] satisfies CriErrorCode[]);

/** A failed call as the kubelet knows failures. */
export function toCriError(error: unknown): CriError {
  const { code, details, message } = error as ServiceError;
  const name = statusName(code);
  return new CriError((codes.has(name) ? name : "Unknown") as CriErrorCode, details || message, { cause: error });
}

/** An engine that does not come back within this time is away. */
const patienceMs = 2000;

/** Calls the methods of services on one socket. */
export class CriTransport {
  readonly #client: Client;
  readonly #clock: Clock;

  private constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** `endpoint` is `unix:///path`. Connects with the first call, and again whenever the engine comes back. */
  static async open(endpoint: string, clock: Clock): Promise<CriTransport> {
    // Only who uses an engine behind a socket pays for the library.
    const { Client, credentials } = await import("@grpc/grpc-js");
    const client = new Client(endpoint, credentials.createInsecure(), {
      "grpc.max_receive_message_length": 16 << 20,
      // An engine that restarts is back in a moment: the library would wait ever longer, up to two minutes.
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.min_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 1000,
    });
    return new CriTransport(client, clock);
  }

  /**
   * `timeoutMs` undefined: as long as it takes. Rejects with CriError. A call that found no connection, or an engine that is not ready yet, has
   * had no effect, whatever it asks for: it is made again for a while, so that an engine that restarts is not noticed.
   */
  async call<Request, Response>(
    method: Method<Request, Response, "unary">,
    request: Parameters<Method<Request, Response>["request"]["encode"]>[0],
    timeoutMs: number | undefined,
  ): Promise<Response> {
    const until = this.#clock.monotonic() + Math.min(timeoutMs ?? patienceMs, patienceMs);
    for (;;) {
      try {
        return await this.#callOnce(method, request, timeoutMs);
      } catch (error) {
        const noEffect = /^No connection established|^server is not initialized yet/.test((error as CriError).message);
        if (!noEffect || this.#clock.monotonic() >= until) throw error;
        await pause(this.#clock, 50);
      }
    }
  }

  #callOnce<Request, Response>(
    method: Method<Request, Response, "unary">,
    request: Parameters<Method<Request, Response>["request"]["encode"]>[0],
    timeoutMs: number | undefined,
  ): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    this.#client.makeUnaryRequest(
      method.path,
      (value) => Buffer.from(method.request.encode(value)),
      (bytes) => method.response.decode(bytes),
      request,
      timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
      (error, response) => {
        if (error !== null) reject(toCriError(error));
        else if (response === undefined) reject(new CriError("Unknown", `${method.name} was not answered`));
        else resolve(response);
      },
    );
    return promise;
  }

  /** Ends when aborted; rejects with CriError when the engine ends it. */
  async *stream<Request, Response>(
    method: Method<Request, Response, "serverStream">,
    request: Parameters<Method<Request, Response>["request"]["encode"]>[0],
    signal: AbortSignal,
  ): AsyncGenerator<Response> {
    const call = this.#client.makeServerStreamRequest(
      method.path,
      (value) => Buffer.from(method.request.encode(value as never)),
      (bytes) => method.response.decode(bytes),
      request,
    );
    const cancel = () => call.cancel();
    signal.addEventListener("abort", cancel);
    if (signal.aborted) cancel();
    try {
      for await (const message of call) yield message as Response;
    } catch (error) {
      if (!signal.aborted) throw toCriError(error);
    } finally {
      signal.removeEventListener("abort", cancel);
      cancel();
    }
  }

  close(): void {
    this.#client.close();
  }
}
