import { beforeEach, expect, test } from "vitest";
import { seededRandom, VirtualClock } from "../../base/mod.ts";
import { SimpleTokens } from "./simple-tokens.ts";

let clock: VirtualClock;
let tokens: SimpleTokens;

beforeEach(() => {
  clock = new VirtualClock();
  const random = seededRandom(1);
  tokens = new SimpleTokens({ ttlMs: 300_000, clock, draw: (limit) => random.below(limit) });
});

function login(username: string, index: number): string {
  const prefix = tokens.drawPrefix();
  tokens.assign(username, prefix, index);
  return tokens.issue({ username, authRevision: 5 }, prefix, index);
}

test("a token is sixteen letters and the index that made it", () => {
  const token = login("ann", 42);
  expect(token).toMatch(/^[A-Za-z]{16}\.42$/);
  expect(tokens.madeAt(token)).toBe(42);
  expect(tokens.find(token, 9)).toEqual({ username: "ann", authRevision: 9 });
});

test.each(["", "letters", "a.b.7", "a.-7", "a.7x", "a."])("%j is none", (text) => {
  expect(tokens.madeAt(text)).toBe(0);
  expect(tokens.find(text, 1)).toBeUndefined();
});

test("it ends when it was not used for its time, and only then", async () => {
  const used = login("ann", 1);
  const idle = login("bob", 2);
  await clock.advance(299_000);
  expect(tokens.find(used, 1)?.username).toBe("ann");
  await clock.advance(2000);
  expect(tokens.find(idle, 1)).toBeUndefined();
  expect(tokens.find(used, 1)?.username).toBe("ann");
  await clock.advance(301_000);
  expect(tokens.find(used, 1)).toBeUndefined();
  expect(tokens.size).toBe(0);
});

test("those that nobody asks for again do not pile up", async () => {
  for (let index = 1; index <= 1000; index++) {
    login("ann", index);
    await clock.advance(1000);
  }
  expect(tokens.size).toBeLessThanOrEqual(301);
});

test("a user who is gone has none, the others keep theirs", () => {
  const [ann, bob] = [login("ann", 1), login("bob", 2)];
  tokens.forgetUser("ann");
  expect(tokens.find(ann, 1)).toBeUndefined();
  expect(tokens.find(bob, 1)?.username).toBe("bob");
  tokens.forgetAll();
  expect(tokens.find(bob, 1)).toBeUndefined();
});
