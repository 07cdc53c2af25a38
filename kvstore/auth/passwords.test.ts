import { expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { Passwords, validCost } from "./passwords.ts";

const passwords = new Passwords(4);

test("a hash is Go's, and only the password matches it", async () => {
  const hashed = await passwords.hash("secret");
  expect(Buffer.from(hashed!).toString()).toMatch(/^\$2a\$04\$[./A-Za-z0-9]{53}$/);
  expect(await passwords.matches("secret", hashed!)).toBe(true);
  expect(await passwords.matches("Secret", hashed!)).toBe(false);
});

/** Of jBCrypt's tests, which others took over. */
test.each([
  ["", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."],
  ["a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"],
  ["abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"],
])("%j matches the hash that another made", async (password, hashed) => {
  expect(await passwords.matches(password, toUtf8(hashed))).toBe(true);
  expect(await passwords.matches(`${password}x`, toUtf8(hashed))).toBe(false);
});

test("what is no hash matches nothing", async () => {
  for (const text of ["", "secret", "$2a$04$short", "$1$04$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"]) {
    expect(await passwords.matches("secret", toUtf8(text))).toBe(false);
  }
});

test("a password of more bytes than bcrypt looks at is refused", async () => {
  expect(await passwords.hash("é".repeat(36))).toBeDefined();
  expect(await passwords.hash(`${"é".repeat(36)}x`)).toBeUndefined();
});

test("many at once take their turns", async () => {
  const hashes = await Promise.all(Array.from({ length: 9 }, (_, at) => passwords.hash(`password ${at}`)));
  const matches = await Promise.all(hashes.map((hashed, at) => passwords.matches(`password ${at}`, hashed!)));
  expect(matches).toEqual(Array(9).fill(true));
});

test("a cost that bcrypt does not know is the default", () => {
  expect([3, 4, 12, 31, 32].map(validCost)).toEqual([10, 4, 12, 31, 10]);
});
