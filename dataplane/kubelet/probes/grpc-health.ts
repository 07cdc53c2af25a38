import { type ClientHttp2Stream, connect, constants } from "node:http2";
import { dialError } from "./http-get.ts";
import type { ProbeOutcome } from "./prober.ts";

const path = "/grpc.health.v1.Health/Check";
const servingStatuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
/** Codes of gRPC that the original words in its own way. */
const unimplemented = 12;
const deadlineExceeded = 4;

/** Asks a server for its health by the gRPC health protocol, without TLS (pkg/probe/grpc). */
export async function grpcHealth(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const session = connect(`http://${address}`);
  const failed = new Promise<never>((_, reject) => session.on("error", reject));
  const { promise: late, resolve } = Promise.withResolvers<ProbeOutcome>();
  const timer = setTimeout(() => {
    const phase = session.connecting
      ? `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: context deadline exceeded`
      : `timeout: health rpc did not complete within ${timeoutMs / 1000}s`;
    resolve({ result: "failure", output: phase });
  }, timeoutMs);
  try {
    return await Promise.race([check(session.request(headersOf(address)), service), failed, late]);
  } catch (error) {
    // A stream that never got its connection tells why in its cause.
    const cause = (error as Error).cause ?? error;
    const why = dialError(cause as Error, host, port);
    return { result: "failure", output: `error: health rpc probe failed: ${why}` };
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
}

function headersOf(address: string) {
  return {
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_AUTHORITY]: address,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "kube-probe/1.33",
  };
}

/** One unary call. Rejects when the connection breaks. */
function check(stream: ClientHttp2Stream, service: string): Promise<ProbeOutcome> {
  const { promise, resolve, reject } = Promise.withResolvers<ProbeOutcome>();
  const chunks: Buffer[] = [];
  let trailers: Readonly<Record<string, unknown>> = {};
  // A server that refuses at once sends its status with the headers.
  const note = (headers: Readonly<Record<string, unknown>>) => {
    trailers = { ...trailers, ...headers };
  };
  stream.on("response", note);
  stream.on("trailers", note);
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", reject);
  stream.on("end", () => resolve(outcomeOf(trailers, Buffer.concat(chunks))));
  stream.end(frame(service));
  return promise;
}

/** HealthCheckRequest { string service = 1 } behind gRPC's five bytes. */
function frame(service: string): Buffer {
  const name = Buffer.from(service);
  const length: number[] = [];
  for (let rest = name.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function outcomeOf(headers: Readonly<Record<string, unknown>>, body: Buffer): ProbeOutcome {
  const code = Number(headers["grpc-status"] ?? 2);
  const message = decodeURIComponent(
    String(headers["grpc-message"] ?? `unexpected HTTP status code: ${headers[":status"]}`),
  );
  switch (code) {
    case 0:
      break;
    case unimplemented: {
      const output = `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`;
      return { result: "failure", output };
    }
    case deadlineExceeded:
      return { result: "failure", output: `timeout: health rpc did not complete: ${message}` };
    default:
      return {
        result: "failure",
        output: `error: health rpc probe failed: rpc error: code = ${code} desc = ${message}`,
      };
  }
  // HealthCheckResponse { ServingStatus status = 1 }; zero is not sent.
  const [tag, value = 0] = body.subarray(5);
  const status = servingStatuses[tag === 0x08 ? value : 0] ?? "UNKNOWN";
  if (status === "SERVING") return { result: "success", output: "service healthy" };
  return { result: "failure", output: `service unhealthy (responded with "${status}")` };
}
