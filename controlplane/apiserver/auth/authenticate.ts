import type { IncomingHttpHeaders } from "node:http";
import type { TLSSocket } from "node:tls";
import { type KubeObject, millisecondsOf, type Secret } from "../../api/mod.ts";
import { legacyClaimsOf } from "./legacy-tokens.ts";
import type { TokenClaims, TokenSigner } from "./tokens.ts";
import { anonymous, authenticated, serviceAccountGroups, serviceAccountUser, type User } from "./user.ts";

/** Objects that a token is bound to, as they are now: it dies with any of them. */
export interface TokenBindings {
  find(
    resource: "serviceaccounts" | "pods" | "secrets" | "nodes",
    namespace: string,
    name: string,
  ): Promise<KubeObject | undefined>;
}

/** What is being deleted stays good for this long after the time it should have been gone. */
const DELETION_LEEWAY_MS = 60_000;

export interface AuthenticatorOptions {
  readonly tokens: TokenSigner;
  readonly bindings: TokenBindings;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Client certificates (CN is the user, each O a group), then bearer tokens, then nobody in particular. */
export class Authenticator {
  readonly #tokens: TokenSigner;
  readonly #bindings: TokenBindings;
  readonly #now: () => number;
  readonly #byConnection = new WeakMap<TLSSocket, User | "none" | "invalid">();

  constructor(options: AuthenticatorOptions) {
    this.#tokens = options.tokens;
    this.#bindings = options.bindings;
    this.#now = options.now;
  }

  /** Who asks; undefined when credentials were shown that do not hold (401): those never become anonymous. */
  async authenticate(socket: TLSSocket, headers: IncomingHttpHeaders): Promise<User | undefined> {
    let user = this.#byConnection.get(socket);
    if (user === undefined) {
      user = userOfCertificate(socket);
      this.#byConnection.set(socket, user);
    }
    if (typeof user === "object") return user;
    const token = bearerToken(headers.authorization);
    if (token !== undefined) return this.userOfToken(token, [this.#tokens.issuer]);
    return user === "none" ? anonymous : undefined;
  }

  /** The service account behind a token that is meant for one of `audiences`; undefined when it does not hold. */
  async userOfToken(token: string, audiences: readonly string[]): Promise<User | undefined> {
    return (await this.reviewToken(token, audiences))?.user;
  }

  /** Also which of the `audiences` the token is meant for. */
  async reviewToken(
    token: string,
    audiences: readonly string[],
  ): Promise<{ readonly user: User; readonly audiences: readonly string[] } | undefined> {
    const claims = this.#tokens.verify(token, Math.floor(this.#now() / 1000));
    if (claims === undefined) return this.#reviewLegacy(token, audiences);
    const meant = audiences.filter((audience) => claims.aud.includes(audience));
    if (meant.length === 0 || !(await this.#boundObjectsLive(claims))) return undefined;
    return { user: userOfClaims(claims), audiences: meant };
  }

  async #boundObjectsLive(claims: TokenClaims): Promise<boolean> {
    const bound = claims["kubernetes.io"];
    const refs = [
      ["serviceaccounts", bound.namespace, bound.serviceaccount],
      ["pods", bound.namespace, bound.pod],
      ["secrets", bound.namespace, bound.secret],
      // A token bound to a pod names its node as information only.
      ["nodes", "", bound.pod === undefined ? bound.node : undefined],
    ] as const;
    for (const [resource, namespace, ref] of refs) {
      if (ref === undefined) continue;
      if (!this.#lives(await this.#bindings.find(resource, namespace, ref.name), ref.uid)) return false;
    }
    return true;
  }

  #lives(object: KubeObject | undefined, uid: string): boolean {
    if (object?.metadata.uid !== uid) return false;
    const end = millisecondsOf(object.metadata.deletionTimestamp ?? "");
    return end === undefined || this.#now() < end + DELETION_LEEWAY_MS;
  }

  /** Tokens without an end, from Secrets: good as long as their Secret holds them. They are for this server alone. */
  async #reviewLegacy(token: string, audiences: readonly string[]) {
    const claims = legacyClaimsOf(this.#tokens.open(token));
    if (claims === undefined || !audiences.includes(this.#tokens.issuer)) return undefined;
    const { namespace, secret, account } = claims;
    const holder = (await this.#bindings.find("secrets", namespace, secret)) as (Secret & KubeObject) | undefined;
    if (holder === undefined || holder.metadata.deletionTimestamp !== undefined) return undefined;
    if (holder.metadata.labels?.["kubernetes.io/legacy-token-invalid-since"] !== undefined) return undefined;
    if (holder.data?.token !== Buffer.from(token).toString("base64")) return undefined;
    if (!this.#lives(await this.#bindings.find("serviceaccounts", namespace, account.name), account.uid))
      return undefined;
    const name = serviceAccountUser(namespace, account.name);
    const user = authenticated({ name, uid: account.uid, groups: serviceAccountGroups(namespace) });
    return { user, audiences: [this.#tokens.issuer] };
  }
}

function userOfCertificate(socket: TLSSocket): User | "none" | "invalid" {
  const certificate = socket.getPeerCertificate?.();
  if (certificate === undefined || certificate.raw === undefined) return "none";
  if (!socket.authorized) return "invalid";
  const { CN: name, O: organization } = certificate.subject as { CN?: string | string[]; O?: string | string[] };
  if (typeof name !== "string" || name === "") return "invalid";
  return authenticated({ name, groups: organization === undefined ? [] : [organization].flat() });
}

function bearerToken(authorization: string | undefined): string | undefined {
  const match = /^bearer +(\S+)$/i.exec(authorization?.trim() ?? "");
  return match?.[1];
}

function userOfClaims(claims: TokenClaims): User {
  const { namespace, serviceaccount, pod, node } = claims["kubernetes.io"];
  const extra: Record<string, string[]> = { "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`] };
  if (pod !== undefined) {
    extra["authentication.kubernetes.io/pod-name"] = [pod.name];
    extra["authentication.kubernetes.io/pod-uid"] = [pod.uid];
  }
  if (node !== undefined) extra["authentication.kubernetes.io/node-name"] = [node.name];
  return authenticated({
    name: serviceAccountUser(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: serviceAccountGroups(namespace),
    extra,
  });
}
