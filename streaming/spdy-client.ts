import type { Duplex } from "node:stream";
import { tune } from "./accept.ts";
import { resultOf } from "./command-status.ts";
import { requestUpgrade } from "./request-upgrade.ts";
import { SpdyConnection } from "./spdy-connection.ts";
import type { CommandResult, StandardStreams, WantedStreams } from "./streams.ts";

async function connect(url: string, versions: readonly string[]): Promise<SpdyConnection> {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const answer = await requestUpgrade({
    secure: protocol === "https:",
    host: hostname,
    port,
    path: pathname + search,
    method: "POST",
    // An engine's certificate, where it has one, is its own: the address came from it by a trusted way.
    rejectUnauthorized: false,
    headers: { Connection: "Upgrade", Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": versions.join(", ") },
  });
  if (answer.kind === "answered") {
    let text = "";
    for await (const chunk of answer.response) if (text.length < 4096) text += String(chunk);
    throw new Error(`unable to upgrade connection: ${text.trim() || `status ${answer.response.statusCode}`}`);
  }
  tune(answer.socket);
  if (answer.head.length > 0) answer.socket.unshift(answer.head);
  return new SpdyConnection(answer.socket, { role: "client" });
}

/**
 * Runs a session at a URL that a container engine gave for `exec` or `attach`, between its streams and the client's. Rejects when the engine
 * refuses or goes away.
 */
export async function runRemoteCommand(
  url: string,
  wanted: WantedStreams,
  streams: StandardStreams,
): Promise<CommandResult> {
  const connection = await connect(url, ["v4.channel.k8s.io"]);
  const leave = () => connection.close();
  streams.signal.addEventListener("abort", leave, { once: true });
  if (streams.signal.aborted) leave();
  try {
    const open = (type: string) => connection.open([["streamtype", type]]);
    const error = await open("error");
    const stdin = wanted.stdin ? await open("stdin") : undefined;
    const stdout = wanted.stdout ? await open("stdout") : undefined;
    const stderr = wanted.stderr && !wanted.tty ? await open("stderr") : undefined;
    const resize = wanted.tty ? await open("resize") : undefined;
    streams.onResize(({ width, height }) => resize?.write(JSON.stringify({ Width: width, Height: height })));
    for (const stream of [stdin, resize]) stream?.resume();
    if (stdin !== undefined) streams.stdin?.pipe(stdin);
    const outputs = [
      stdout === undefined ? undefined : copyOut(stdout, streams.stdout),
      stderr === undefined ? undefined : copyOut(stderr, streams.stderr),
    ];
    error.end();
    let text = "";
    for await (const chunk of error) text += String(chunk);
    await Promise.all(outputs);
    if (stdin !== undefined) streams.stdin?.unpipe(stdin);
    if (text === "") throw new Error("the container engine ended the session without a word");
    return resultOf(text);
  } finally {
    streams.signal.removeEventListener("abort", leave);
    connection.close();
  }
}

/** Ends when the engine's stream does; the client's stays open for whoever owns it. */
function copyOut(from: Duplex, to: StandardStreams["stdout"]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  from.on("end", resolve);
  from.on("close", resolve);
  if (to === undefined) from.resume();
  else from.pipe(to, { end: false });
  return promise;
}

/** A connection that the engine could not make. It says so when the connection seems to be there already. */
export class EngineRefusal extends Error {}

/**
 * Connects to a port of a pod at a URL that a container engine gave for `portForward`. One connection a session: its end is the engine's to see. Breaks with
 * EngineRefusal when nobody listens there.
 */
export async function dialPortForward(url: string, port: number): Promise<Duplex> {
  const connection = await connect(url, ["portforward.k8s.io"]);
  try {
    const pair = (type: string) =>
      connection.open([
        ["streamtype", type],
        ["port", `${port}`],
        ["requestid", "0"],
      ]);
    const error = await pair("error");
    const data = await pair("data");
    error.end();
    error.once("data", (words: Buffer) => data.destroy(new EngineRefusal(String(words).trim())));
    data.on("close", () => connection.close());
    return data;
  } catch (error) {
    connection.close();
    throw error;
  }
}
