import { type Clock, Failure, type Log, parseGoDuration } from "../../base/mod.ts";
import { JwtTokens } from "./jwt.ts";
import { algorithms } from "./jwt-algorithms.ts";
import { JwtKeyFiles, type KeyFiles } from "./jwt-key-files.ts";
import { SimpleTokens } from "./simple-tokens.ts";
import { noTokens, type Tokens } from "./tokens.ts";

export interface TokensOptions {
  /** As `--auth-token` has it: `simple`, `jwt,sign-method=RS256,pub-key=FILE,priv-key=FILE,ttl=5m`, or nothing. */
  readonly spec: string;
  /** Of simple tokens. */
  readonly simpleTtlMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly files: KeyFiles;
  readonly draw: (limit: number) => number;
}

const jwtTtl = "5m";
const known = new Set(["sign-method", "pub-key", "priv-key", "ttl"]);

/** Throws a `Failure` for what is no such spec, and for keys that cannot be used. */
export function openTokens(options: TokensOptions): Tokens {
  const { spec, simpleTtlMs, clock, draw } = options;
  const [kind = "", ...pairs] = spec.split(",");
  if (kind === "") return noTokens;
  if (kind === "simple") return new SimpleTokens({ ttlMs: simpleTtlMs, clock, draw });
  if (kind === "jwt") return openJwt(readPairs(spec, pairs), options);
  throw invalid(spec, `"${kind}" is no kind of token`);
}

function openJwt(values: ReadonlyMap<string, string>, { spec, files, clock, log }: TokensOptions): Tokens {
  const unknown = [...values.keys()].filter((key) => !known.has(key));
  if (unknown.length > 0) log("warn", "unknown options of tokens", { options: unknown.join() });
  const algorithm = algorithms.get(values.get("sign-method") ?? "");
  if (algorithm === undefined) throw invalid(spec, `sign-method is one of ${[...algorithms.keys()].join(", ")}`);
  const ttlMs = parseGoDuration(values.get("ttl") || jwtTtl);
  if (ttlMs === undefined) throw invalid(spec, "ttl is a time such as 5m");
  const privateKeyFile = values.get("priv-key") || undefined;
  const publicKeyFile = values.get("pub-key") || undefined;
  const keys = new JwtKeyFiles({ algorithm, privateKeyFile, publicKeyFile, files, clock, log });
  return new JwtTokens({ algorithm, keys, ttlMs, clock, log });
}

function readPairs(spec: string, pairs: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of pairs) {
    const [key = "", value, ...more] = pair.split("=");
    if (value === undefined || more.length > 0) throw invalid(spec, `"${pair}" is not NAME=VALUE`);
    if (values.has(key)) throw invalid(spec, `${key} is given twice`);
    values.set(key, value);
  }
  return values;
}

function invalid(spec: string, why: string): Failure {
  return new Failure(
    "AuthTokenOption",
    `--auth-token=${spec}: ${why}`,
    "Give simple, or jwt with sign-method and the files of its keys",
  );
}
