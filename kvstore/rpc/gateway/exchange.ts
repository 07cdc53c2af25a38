import { type Method, RpcError, Status } from "../../../proto/mod.ts";
import type { Caller, CallListener, GrpcServer, OutgoingCall } from "../grpc/mod.ts";
import { httpStatusOf } from "./http-status.ts";
import { fromJson, toJson } from "./json-message.ts";
import { JsonParts } from "./json-parts.ts";
import { JsonError, parseJson } from "./json-scalar.ts";
import { JsonStream, TooLong } from "./json-stream.ts";

/** Where the answers of an exchange go. */
export interface AnswerSink {
  /** All of the answer. */
  whole(status: number, text: string): void;
  /** Some of the answer; the rest follows. False as below. */
  piece(text: string): boolean;
  /** A line of a stream. The first one's status is that of the response. False: more is wanted after `drained`. */
  line(status: number, text: string): boolean;
  /** Nothing more. */
  end(): void;
  /** Requests are wanted again after `feed` returned false. */
  resume(): void;
}

/** JSON takes more room than what it stands for: base64, names of fields. */
export function maxJsonChars(maxRequestBytes: number): number {
  return 4 * maxRequestBytes;
}

/** A call by way of JSON: requests come in as text, answers go out as text. Knows nothing of where from and where to. */
export class Exchange implements CallListener {
  readonly #method: Method;
  readonly #sink: AnswerSink;
  readonly #input: JsonStream;
  readonly #call: OutgoingCall | undefined;
  /** Nothing more is read: the one request that the call takes is there, or what came was none. */
  #deaf = false;
  #over = false;
  /** Of an answer that comes in parts. */
  #parts: JsonParts | undefined;

  constructor(
    server: Pick<GrpcServer, "call">,
    method: Method,
    caller: Caller,
    sink: AnswerSink,
    maxRequestBytes: number,
  ) {
    this.#method = method;
    this.#sink = sink;
    this.#input = new JsonStream(maxJsonChars(maxRequestBytes));
    try {
      this.#call = server.call(method.path, caller, this);
    } catch (error) {
      this.#refuse(error);
    }
  }

  // Requests.

  /** A piece of the body. False: `resume` will be called. */
  feed(chunk: Uint8Array | string): boolean {
    if (this.#over || this.#deaf) return true;
    let ready = true;
    try {
      for (const json of this.#input.push(chunk)) ready = this.#request(json);
    } catch (error) {
      this.#refuse(error);
    }
    return ready;
  }

  /** The body is complete. */
  finish(): void {
    if (this.#over) return;
    try {
      const rest = this.#deaf ? undefined : this.#input.end();
      // A body without anything is a request without fields.
      if (rest !== undefined) this.#request(rest);
      else if (this.#method.kind !== "bidi") this.#request("{}");
      this.#call?.close();
    } catch (error) {
      this.#refuse(error);
    }
  }

  cancel(): void {
    this.#over = true;
    this.#call?.cancel();
  }

  drained(): void {
    // In a turn of its own: a socket that takes everything at once says so within the turn that wrote to it.
    setImmediate(() => this.#call?.drained());
  }

  #request(json: string): boolean {
    if (this.#over || this.#deaf) return true;
    const ready = this.#call?.send(fromJson(this.#method.request, parseJson(json))) ?? true;
    if (this.#method.kind === "bidi") return ready;
    // The first value is the request; what follows it is not looked at.
    this.#deaf = true;
    this.#call?.close();
    return ready;
  }

  /** A stream whose requests cannot be read hears no more of them, and goes on; of other calls this is the answer. */
  #refuse(error: unknown): void {
    this.#deaf = true;
    if (error instanceof RpcError) this.end(error.code, error.message);
    else if (error instanceof TooLong) this.#abort(Status.ResourceExhausted, `grpc: ${error.message}`);
    else if (!(error instanceof JsonError || error instanceof SyntaxError)) throw error;
    else if (this.#method.kind === "bidi") this.#call?.close();
    else this.#abort(Status.InvalidArgument, `proto: ${error.message}`);
  }

  #abort(code: Status, message: string): void {
    this.#call?.cancel();
    this.end(code, message);
  }

  // Answers.

  message(response: unknown): boolean {
    const json = toJson(this.#method.response, response);
    if (this.#isStream) return this.#sink.line(200, `${JSON.stringify({ result: json })}\n`);
    this.#sink.whole(200, JSON.stringify(json));
    return true;
  }

  /** A large answer: written as fast as the client takes it, and other work has its turn in between. */
  part(response: unknown): boolean {
    this.#parts ??= new JsonParts();
    const keepsUp = this.#sink.piece(this.#parts.add(toJson(this.#method.response, response)));
    if (keepsUp) this.drained();
    return false;
  }

  end(code: Status, message: string): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#parts !== undefined) this.#sink.piece(this.#parts.end());
    const error = { code, message };
    if (code !== Status.OK && this.#isStream) this.#sink.line(httpStatusOf(code), `${JSON.stringify({ error })}\n`);
    else if (code !== Status.OK) this.#sink.whole(httpStatusOf(code), JSON.stringify(error));
    this.#sink.end();
  }

  resume(): void {
    this.#sink.resume();
  }

  get #isStream(): boolean {
    return this.#method.kind !== "unary";
  }
}
