import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { endpoint } from "./endpoint.testing.ts";
import { serveReadable } from "./log-socket.ts";

async function following(protocols: readonly string[]) {
  const source = new PassThrough();
  const url = await endpoint((upgrade) => serveReadable(upgrade, source));
  const socket = new WebSocket(`ws:${url}`, [...protocols]);
  const heard: string[] = [];
  socket.on("message", (data, isBinary) => heard.push(`${isBinary ? "binary" : "text"} ${data}`));
  return { source, socket, heard };
}

test.each([
  ["binary.k8s.io", "binary line\n"],
  ["base64.binary.k8s.io", `text ${Buffer.from("line\n").toString("base64")}`],
  ["", "binary line\n"],
])("a log over %s: a message a piece, closed in order at its end", async (protocol, message) => {
  const { source, socket, heard } = await following(protocol === "" ? [] : [protocol]);
  source.end("line\n");
  const [code] = await once(socket, "close");
  expect([code, socket.protocol, heard]).toEqual([1000, protocol, [message]]);
});

test("a reader that goes ends the source", async () => {
  const { source, socket } = await following(["binary.k8s.io"]);
  await once(socket, "open");
  const closed = once(source, "close");
  socket.terminate();
  await closed;
});

test("a source that breaks off closes what was heard so far", async () => {
  const { source, socket, heard } = await following(["binary.k8s.io"]);
  await once(socket, "open");
  source.write("half a li");
  await once(socket, "message");
  source.destroy(new Error("the node has gone"));
  await once(socket, "close");
  expect(heard).toEqual(["binary half a li"]);
});

test("a client of another protocol is refused, and the source closed", async () => {
  const { source, socket } = await following(["v4.channel.k8s.io"]);
  const [error] = await once(socket, "error");
  expect(String(error)).toContain("403");
  expect(source.destroyed).toBe(true);
});
