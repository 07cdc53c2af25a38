import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { Failure, VirtualClock } from "../../base/mod.ts";
import { algorithms, readKeys } from "./jwt-algorithms.ts";
import { openTokens } from "./token-options.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pairs: Readonly<Record<string, { privateKey: KeyObject; publicKey: KeyObject }>> = {
  RS: rsa,
  PS: rsa,
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: generateKeyPairSync("ec", { namedCurve: "P-521" }),
  EdDSA: generateKeyPairSync("ed25519"),
};
const another = generateKeyPairSync("ed25519");

const privatePem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }) as string;
const publicPem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }) as string;
const pairOf = (name: string) => pairs[name] ?? pairs[name.slice(0, 2)];

/** Files in memory; each write is another file. */
const files = new Map<string, { text: string; stamp: number }>();
const write = (path: string, text: string) => files.set(path, { text, stamp: (files.get(path)?.stamp ?? 0) + 1 });
const fileOf = (path: string) => {
  const file = files.get(path);
  if (file === undefined) throw new Error(`ENOENT: ${path}`);
  return file;
};

let clock: VirtualClock;
let logged: string[];

beforeEach(() => {
  clock = new VirtualClock();
  logged = [];
  files.clear();
});

function open(spec: string) {
  return openTokens({
    spec,
    simpleTtlMs: 1,
    clock,
    log: (_, message) => logged.push(message),
    files: { read: (path) => Buffer.from(fileOf(path).text), stamp: (path) => String(fileOf(path).stamp) },
    draw: () => 0,
  });
}

function openWith(name: string, options = "") {
  const pair = pairOf(name);
  write("priv", pair === undefined ? "a secret\n" : privatePem(pair.privateKey));
  if (pair !== undefined) write("pub", publicPem(pair.publicKey));
  return open(`jwt,sign-method=${name},priv-key=priv${pair === undefined ? "" : ",pub-key=pub"}${options}`);
}

const ann = { username: "ann", authRevision: 7 };

function part(token: string | undefined, at: number): unknown {
  return JSON.parse(Buffer.from(token?.split(".")[at] ?? "", "base64url").toString());
}

describe.each([...algorithms.keys()])("%s", (name) => {
  test("signs what it verifies, with etcd's claims, and nothing that was changed", () => {
    const tokens = openWith(name);
    const token = tokens.issue(ann, "", 0);
    expect(part(token, 0)).toEqual({ alg: name, typ: "JWT" });
    expect(part(token, 1)).toEqual({ username: "ann", revision: 7, exp: Math.floor(clock.now() / 1000) + 300 });
    expect(tokens.find(token, 99)).toEqual(ann);
    const [head, , signature] = token.split(".");
    const forged = Buffer.from(JSON.stringify({ username: "root", revision: 7 })).toString("base64url");
    expect(tokens.find(`${head}.${forged}.${signature}`, 99)).toBeUndefined();
    const unsigned = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    expect(tokens.find(`${unsigned}.${forged}.`, 99)).toBeUndefined();
    expect(tokens.find(`${unsigned}.${forged}.${signature}`, 99)).toBeUndefined();
  });
});

describe("vectors of the standards", () => {
  const claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  test.each([
    {
      where: "RFC 7515 A.1",
      name: "HS256",
      key: createSecretKey(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        "base64url",
      ),
      signed: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${claims}`,
      signature: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    },
    {
      where: "RFC 7515 A.3",
      name: "ES256",
      key: createPublicKey({
        key: {
          kty: "EC",
          crv: "P-256",
          x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        format: "jwk",
      }),
      signed: `eyJhbGciOiJFUzI1NiJ9.${claims}`,
      signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    },
    {
      where: "RFC 8037 A.4",
      name: "EdDSA",
      key: createPublicKey({
        key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
        format: "jwk",
      }),
      signed: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
      signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    },
  ])("$where: $name", ({ name, key, signed, signature }) => {
    const algorithm = algorithms.get(name);
    expect(algorithm?.verify(Buffer.from(signed), key, Buffer.from(signature, "base64url"))).toBe(true);
    expect(algorithm?.verify(Buffer.from(`${signed}x`), key, Buffer.from(signature, "base64url"))).toBe(false);
  });
});

test("a token ends when its time is over", async () => {
  const tokens = openWith("EdDSA", ",ttl=10s");
  const token = tokens.issue(ann, "", 0);
  await clock.advance(9000);
  expect(tokens.find(token, 7)).toEqual(ann);
  await clock.advance(1000);
  expect(tokens.find(token, 7)).toBeUndefined();
});

test("with a public key alone, a member takes tokens and makes none", () => {
  const token = openWith("ES256").issue(ann, "", 0);
  const verifier = open("jwt,sign-method=ES256,pub-key=pub");
  expect(verifier.find(token, 7)).toEqual(ann);
  expect(verifier.issue(ann, "", 0)).toBe("VerifyOnlyKey");
});

test("keys are changed by changing their files, and files that cannot be used change nothing", async () => {
  const tokens = openWith("EdDSA");
  const old = tokens.issue(ann, "", 0);
  write("pub", "half written");
  await clock.advance(1000);
  expect(tokens.find(old, 7)).toEqual(ann);
  expect(logged).toContain("the keys of tokens have changed and cannot be used");

  write("priv", privatePem(another.privateKey));
  write("pub", publicPem(another.publicKey));
  await clock.advance(1000);
  expect(tokens.find(old, 7)).toBeUndefined();
  const fresh = tokens.issue(ann, "", 0);
  expect(tokens.find(fresh, 7)).toEqual(ann);
});

test.each([
  ["paper", "is no kind of token"],
  ["jwt", "sign-method is one of"],
  ["jwt,sign-method=none", "sign-method is one of"],
  ["jwt,sign-method", "is not NAME=VALUE"],
  ["jwt,sign-method=ES256,sign-method=ES256", "given twice"],
  ["jwt,sign-method=ES256", "neither pub-key nor priv-key"],
  ["jwt,sign-method=HS256,pub-key=pub", "names no secret"],
  ["jwt,sign-method=ES256,pub-key=nowhere", "ENOENT"],
  ["jwt,sign-method=ES256,pub-key=pub", "the key is none for ES256"],
  ["jwt,sign-method=EdDSA,pub-key=pub,priv-key=other", "do not belong together"],
  ["jwt,sign-method=EdDSA,pub-key=pub,ttl=soon", "ttl is a time"],
])("%s is refused: %s", (spec, why) => {
  write("pub", publicPem(pairs.EdDSA!.publicKey));
  write("other", privatePem(another.privateKey));
  expect(() => open(spec)).toThrow(Failure);
  expect(() => open(spec)).toThrow(why);
});

test("a private key may be in PKCS #1 too", () => {
  const pkcs1 = rsa.privateKey.export({ type: "pkcs1", format: "pem" }) as string;
  const { signing } = readKeys(algorithms.get("RS256")!, Buffer.from(pkcs1), undefined);
  expect(signing?.equals(createPrivateKey(privatePem(rsa.privateKey)))).toBe(true);
});
