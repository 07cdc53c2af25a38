// gRPC by other hands: grpc-js moves the frames, protobufjs reads the .proto files; no code of the store takes part.
import { globSync } from "node:fs";
import { resolve } from "node:path";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import protobuf from "protobufjs";

const definitions = resolve(import.meta.dirname, "../../proto/definitions");
const root = new protobuf.Root();
root.resolvePath = (_, target) => resolve(definitions, target.split("/").at(-1) as string);
root.loadSync(globSync("*.proto", { cwd: definitions }), { keepCase: true }).resolveAll();

/** As it stands in the .proto files: names with underscores, 64 bits as decimal text, enums as numbers. What was not on the wire is not there. */
export type Message = Readonly<Record<string, unknown>>;

/** What a call came to. */
export type Answer = { readonly message: Message } | { readonly code: number; readonly text: string };

interface Codec {
  readonly path: string;
  readonly encode: (message: Message) => Buffer;
  readonly decode: (bytes: Buffer) => Message;
}

const codecs = new Map<string, Codec>();

/** `name` is that of a method with its service: `KV/Range`. */
function codecOf(name: string): Codec {
  const known = codecs.get(name);
  if (known !== undefined) return known;
  const [serviceName = "", methodName = ""] = name.split("/");
  const packageName = { Lock: "v3lockpb", Election: "v3electionpb", Health: "grpc.health.v1" }[serviceName];
  const service = root.lookupService(`${packageName ?? "etcdserverpb"}.${serviceName}`);
  const method = service.methods[methodName]!.resolve() as protobuf.Method;
  const [request, response] = [method.resolvedRequestType!, method.resolvedResponseType!];
  const codec: Codec = {
    path: `/${service.fullName.slice(1)}/${methodName}`,
    encode: (message) => Buffer.from(request.encode(request.fromObject(message)).finish()),
    decode: (bytes) => response.toObject(response.decode(bytes), { longs: String }),
  };
  codecs.set(name, codec);
  return codec;
}

/** Of a request on the wire. */
export function sizeOf(name: string, request: Message): number {
  return codecOf(name).encode(request).length;
}

export interface Stream {
  send(message: Message): void;
  /** The client has nothing more to say. */
  end(): void;
  cancel(): void;
}

export interface StreamEvents {
  message(message: Message): void;
  /** Code 0 if all went well. */
  ended(code: number, text: string): void;
}

/** One connection to one member. */
export class Wire {
  readonly #client: Client;

  constructor(clientUrl: string) {
    this.#client = new Client(clientUrl.replace("http://", ""), credentials.createInsecure(), {
      // A connection of its own, though others go to the same address.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": -1,
    });
  }

  call(name: string, request: Message, token?: string): Promise<Answer> {
    const { path, encode, decode } = codecOf(name);
    return new Promise((done) => {
      const answered = (error: ServiceError | null, message?: Message) =>
        done(error === null ? { message: message! } : { code: error.code, text: error.details });
      withoutStackTraces(() => {
        this.#client.makeUnaryRequest(path, encode, decode, request, metadata(token), deadline(), answered);
      });
    });
  }

  /** A call whose answer is a stream, to its end. */
  async collect(
    name: string,
    request: Message,
  ): Promise<readonly Message[] | { readonly code: number; readonly text: string }> {
    const { path, encode, decode } = codecOf(name);
    const call = this.#client.makeServerStreamRequest(path, encode, decode, request, metadata(), deadline());
    try {
      return await Array.fromAsync(call as AsyncIterable<Message>);
    } catch (error) {
      return { code: (error as ServiceError).code, text: (error as ServiceError).details };
    }
  }

  open(name: string, events: StreamEvents, token?: string): Stream {
    const { path, encode, decode } = codecOf(name);
    const call = this.#client.makeBidiStreamRequest(path, encode, decode, metadata(token), {});
    call.on("data", (message: Message) => events.message(message));
    // Whatever it is, the status says it too.
    call.on("error", () => undefined);
    call.on("status", ({ code, details }) => events.ended(code, details));
    return { send: (message) => call.write(message), end: () => call.end(), cancel: () => call.cancel() };
  }

  close(): void {
    this.#client.close();
  }
}

/** grpc-js makes one for each call, in case it fails, which is a good part of what calls cost here. */
function withoutStackTraces(call: () => void): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    call();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function metadata(token?: string): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("token", token);
  return metadata;
}

/** Longer than any request may take. */
function deadline(): { deadline: number } {
  return { deadline: Date.now() + 20_000 };
}
