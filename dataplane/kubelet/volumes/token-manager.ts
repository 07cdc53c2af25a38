import type { Clock } from "../../../base/mod.ts";
import { millisecondsOf, type Pod } from "../../../controlplane/api/mod.ts";
import type { Client } from "../../../controlplane/client/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import type { TokenRequest } from "./payload.ts";

interface TokenAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

export interface Token {
  readonly token: string;
  readonly refreshAtMs: number;
  readonly expiresAtMs: number;
}

const dayMs = 24 * 3_600_000;

/** Service account tokens bound to pods, asked of the API server and renewed at 80 % of their life, or after a day. */
export class TokenManager {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, Map<string, Token>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** A token that is valid now. An old one is used on while the API server cannot be reached. */
  async token(pod: Pod, request: TokenRequest): Promise<Token> {
    const { uid } = refOf(pod);
    const key = JSON.stringify([pod.spec.serviceAccountName, request.audience, request.expirationSeconds]);
    const tokens = this.#tokens.get(uid) ?? new Map<string, Token>();
    this.#tokens.set(uid, tokens);
    const known = tokens.get(key);
    const now = this.#clock.now();
    if (known !== undefined && now < known.refreshAtMs) return known;
    try {
      const fresh = await this.#request(pod, request);
      tokens.set(key, fresh);
      return fresh;
    } catch (error) {
      if (known !== undefined && now < known.expiresAtMs) return known;
      throw error;
    }
  }

  forget(uid: string): void {
    this.#tokens.delete(uid);
  }

  async #request(pod: Pod, { audience, expirationSeconds }: TokenRequest): Promise<Token> {
    const { namespace, name, uid } = refOf(pod);
    const account = pod.spec.serviceAccountName ?? "default";
    const answer = await this.#client.serviceAccounts.createSubresource<TokenAnswer>(namespace, account, "token", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: {},
      spec: {
        audiences: audience === undefined ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    });
    const now = this.#clock.now();
    const expiresAtMs = millisecondsOf(answer.status.expirationTimestamp) ?? now + expirationSeconds * 1000;
    return { token: answer.status.token, expiresAtMs, refreshAtMs: now + Math.min(dayMs, (expiresAtMs - now) * 0.8) };
  }
}
