import { expect, test } from "vitest";
import { checkPeerUrls } from "./peer-urls.ts";

test.each([
  ["http://127.0.0.1:2380"],
  ["https://member.example:2380"],
  ["http://[::1]:2380"],
  ["http://:2380"],
  ["http://user@host:1?x=1"],
  ["unix://socket"],
])("%s is where a member can be", (url) => {
  expect(checkPeerUrls([url])).toEqual([url]);
});

test("schemes are written small, blanks around do not count, and the order is that of the text", () => {
  expect(checkPeerUrls([" HTTPS://b:2 ", "http://a:1"])).toEqual(["http://a:1", "https://b:2"]);
});

test.each([
  [[]],
  [[""]],
  [["nonsense"]],
  [["127.0.0.1:2380"]],
  [["http://127.0.0.1"]],
  [["http://host:port"]],
  [["http://127.0.0.1:2380/"]],
  [["http://127.0.0.1:2380/path"]],
  [["ftp://127.0.0.1:2380"]],
  [["http://a:1", "nonsense"]],
])("%j is not", (urls) => {
  expect(() => checkPeerUrls(urls)).toThrow("etcdserver: given member URLs are invalid");
});
