import { duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { SpdyConnection, type SpdyDuplex } from "./spdy-connection.ts";

/** A client, and what the server does with the streams it opens. */
function connected(onStream: (stream: SpdyDuplex) => void) {
  const [near, far] = duplexPair();
  const server = new SpdyConnection(far, { role: "server", onStream });
  const client = new SpdyConnection(near, { role: "client" });
  return { client, server };
}

test("an engine that resets its streams and leaves right after its last words is still heard", async () => {
  const { client, server } = connected((stream) => {
    stream.write("the last words");
    stream.destroy();
    server.close();
  });
  const stream = await client.open([["streamtype", "error"]]);
  stream.end();
  // Nobody has read yet when the connection is over already.
  await new Promise((resolve) => setImmediate(resolve));
  expect(await text(stream)).toBe("the last words");
});

test("a client that goes breaks the streams it has left open", async () => {
  const arrived = Promise.withResolvers<SpdyDuplex>();
  const { client } = connected((stream) => arrived.resolve(stream));
  await client.open([["streamtype", "stdin"]]);
  const stream = await arrived.promise;
  client.close();
  await expect(text(stream)).rejects.toThrow("Premature close");
});
