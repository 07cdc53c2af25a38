import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { refuseUpgrade } from "./accept.ts";
import { endpoint, take, textOf } from "./endpoint.testing.ts";
import { requestUpgrade } from "./request-upgrade.ts";

const headers = { Connection: "Upgrade", Upgrade: "echo" };

const echo = () =>
  endpoint(({ socket }) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome");
    socket.pipe(socket);
  });

test("a connection that leaves HTTP, with what was said on it already", async () => {
  const { hostname: host, port } = new URL(`http:${await echo()}`);
  const answer = await requestUpgrade({ secure: false, host, port, headers });
  if (answer.kind !== "upgraded") throw new Error("it was answered");
  answer.socket.unshift(answer.head);
  expect(await take(answer.socket, 7)).toBe("welcome");
  answer.socket.end("there and back");
  expect(await textOf(answer.socket)).toBe("there and back");
});

test("over a connection that is given, no other is made", async () => {
  const { hostname, port } = new URL(`http:${await echo()}`);
  const given = connect(Number(port), hostname);
  // Nothing listens on port 1 of this machine.
  const answer = await requestUpgrade({ secure: false, port: 1, headers, createConnection: () => given });
  expect(answer.kind === "upgraded" && answer.socket).toBe(given);
  given.destroy();
});

test("who does not upgrade is heard in HTTP", async () => {
  const url = await endpoint((upgrade) => refuseUpgrade(upgrade, 403, "not you"));
  const { hostname: host, port } = new URL(`http:${url}`);
  const answer = await requestUpgrade({ secure: false, host, port, headers });
  expect([answer.kind, answer.response.statusCode, await textOf(answer.response)]).toEqual([
    "answered",
    403,
    "not you",
  ]);
});

test("a server that hangs up without a word, and one that is not there, reject", async () => {
  const url = await endpoint(({ socket }) => socket.destroy());
  const { hostname: host, port } = new URL(`http:${url}`);
  await expect(requestUpgrade({ secure: false, host, port, headers })).rejects.toThrow("socket hang up");
  await expect(requestUpgrade({ secure: false, host, port: 1, headers })).rejects.toThrow("ECONNREFUSED");
});

test("who has no patience leaves, and the server sees it", async () => {
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const url = await endpoint(({ socket }) => {
    asked.resolve();
    socket.on("end", left.resolve);
    socket.resume();
  });
  const { hostname: host, port } = new URL(`http:${url}`);
  const impatience = new AbortController();
  const answer = requestUpgrade({ secure: false, host, port, headers, signal: impatience.signal });
  await asked.promise;
  impatience.abort();
  await expect(answer).rejects.toThrow("abandoned");
  await left.promise;
});

test("once upgraded, the connection is of whoever joins it: the signal no longer ends it", async () => {
  const { hostname: host, port } = new URL(`http:${await echo()}`);
  const impatience = new AbortController();
  const answer = await requestUpgrade({ secure: false, host, port, headers, signal: impatience.signal });
  impatience.abort();
  if (answer.kind !== "upgraded") throw new Error("it was answered");
  answer.socket.write("still there");
  const [chunk] = await once(answer.socket, "data");
  expect(String(chunk)).toBe("still there");
  answer.socket.destroy();
});
