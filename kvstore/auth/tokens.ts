import type { Caller } from "./caller.ts";

/** What callers show instead of a password, once they have logged in. */
export interface Tokens {
  /** What the entry of a login carries, so that all members know the token it makes. Empty if they need not. */
  drawPrefix(): string;
  /** A login was applied, at `index` of the log. On every member. */
  assign(username: string, prefix: string, index: number): void;
  /** The token of a login that was applied. Fails on a member that can only verify. */
  issue(caller: Caller, prefix: string, index: number): string | "VerifyOnlyKey" | "AuthFailed";
  /** Index of the login that made the token: no member that has not applied it can know the token. 0 if all can. */
  madeAt(token: string): number;
  /** Who shows this token, at the current revision or, if it carries one, at that. Undefined if it is not (any more) valid. */
  find(token: string, authRevision: number): Caller | undefined;
  /** The user is gone, or has another password. */
  forgetUser(username: string): void;
  /** Auth was disabled. */
  forgetAll(): void;
}

/** `--auth-token ""`: nobody can log in, and certificates alone tell who calls. */
export const noTokens: Tokens = {
  drawPrefix: () => "",
  assign: () => undefined,
  issue: () => "AuthFailed",
  madeAt: () => 0,
  find: () => undefined,
  forgetUser: () => undefined,
  forgetAll: () => undefined,
};
