import { expect, test } from "vitest";
import { KVService, type Method, Status, WatchService } from "../../../proto/mod.ts";
import type { Caller, CallListener, OutgoingCall } from "../grpc/mod.ts";
import { type AnswerSink, Exchange } from "./exchange.ts";
import { httpStatusOf } from "./http-status.ts";

/** An exchange with a member that takes all requests and answers none. */
function exchangeOf(method: unknown, maxRequestBytes = 1_000_000) {
  const happened: unknown[] = [];
  const server = {
    call: (_path: string, _caller: Caller, _listener: CallListener) =>
      ({
        send: (request: unknown) => happened.push(request) > 0,
        close: () => happened.push("closed"),
        cancel: () => happened.push("cancelled"),
      }) as unknown as OutgoingCall,
  };
  const sink: AnswerSink = {
    whole: (status, text) => happened.push([status, JSON.parse(text)]),
    piece: () => true,
    line: () => true,
    end: () => happened.push("ended"),
    resume: () => undefined,
  };
  const exchange = new Exchange(server, method as Method, {} as Caller, sink, maxRequestBytes);
  return { exchange, happened };
}

const { txn } = KVService.methods;

test.each([
  ["lists without an end", "[".repeat(500_000)],
  ["transactions within transactions without an end", '{"success":[{"request_txn":'.repeat(30_000)],
  ["a great many operations", `{"success":[${"{},".repeat(200_000)}`],
])("%s are answered with an error", (_, body) => {
  const { exchange, happened } = exchangeOf(txn);
  exchange.feed(body);
  const answer = [httpStatusOf(Status.InvalidArgument), { code: Status.InvalidArgument, message: expect.anything() }];
  expect(happened).toEqual(["cancelled", answer, "ended"]);
});

test("of a body that was refused nothing more is kept, however long it goes on", () => {
  const { exchange, happened } = exchangeOf(txn, 1000);
  const chunk = Buffer.alloc(64 * 1024, "x");
  const startMs = performance.now();
  for (let at = 0; at < 2000; at++) exchange.feed(chunk);
  exchange.finish();
  expect(performance.now() - startMs).toBeLessThan(1000);
  expect(happened.slice(2)).toEqual(["ended"]);
});

test("a stream hears nothing that follows what it could not read", () => {
  const { exchange, happened } = exchangeOf(WatchService.methods.watch);
  exchange.feed('{"progress_request":{}}{"create_request":[]}{"progress_request":{}}');
  exchange.feed('{"progress_request":{}}');
  exchange.finish();
  expect(happened.filter((one) => typeof one === "object")).toHaveLength(1);
});
