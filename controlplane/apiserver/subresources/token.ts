import { randomUUID } from "node:crypto";
import { type KubeObject, type Pod, status, TokenRequest, timeAt } from "../../api/mod.ts";
import type { TokenBindings } from "../auth/authenticate.ts";
import type { TokenClaims, TokenSigner } from "../auth/tokens.ts";
import { serviceAccountUser } from "../auth/user.ts";
import { fail } from "../fail.ts";
import { decodeBody } from "../handlers/decode-body.ts";
import { encodeStatus } from "../handlers/encode.ts";
import { read } from "../handlers/read.ts";
import { contextOf, settleName, settleNamespace } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Admission } from "../registry/admission.ts";
import type { Served } from "../registry/served.ts";

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;
/** Tokens injected into pods ask for this odd number of seconds. They get a year, for clients that never read them anew. */
const INJECTED_SECONDS = 3607;

export interface TokenIssuer {
  readonly signer: TokenSigner;
  readonly bindings: TokenBindings;
  readonly admission: Admission;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** POST serviceaccounts/NAME/token: a signed token for the account, bound to a pod, secret or node if so asked. */
export async function createToken(served: Served, call: Call, issuer: TokenIssuer): Promise<Reply> {
  const { namespace, name } = call.info;
  const request = (await decodeBody(call, { schema: TokenRequest, gvk: TokenRequest.gvk })) as unknown as TokenRequest;
  settleNamespace(request, namespace, true);
  settleName(request, name);
  const account = await read(served, namespace, name);
  const context = contextOf(call);
  const admitted = { ...context, operation: "CREATE", served, subresource: "token", namespace, name } as const;
  await issuer.admission.admit({ ...admitted, object: request as KubeObject });
  await issuer.admission.validate({ ...admitted, object: request as KubeObject });
  const { audiences = [], expirationSeconds = HOUR, boundObjectRef } = request.spec;
  if (expirationSeconds < 600 || expirationSeconds > 2 ** 32) {
    const why =
      expirationSeconds < 600
        ? "may not specify a duration less than 10 minutes"
        : "may not specify a duration larger than 2^32 seconds";
    const message = `Invalid value: ${expirationSeconds}: ${why}`;
    fail(
      status.invalid(TokenRequest.gvk, "", [{ type: "FieldValueInvalid", field: "spec.expirationSeconds", message }]),
    );
  }
  const bound = boundObjectRef === undefined ? {} : await bind(issuer.bindings, namespace, name, boundObjectRef);
  const nowSeconds = Math.floor(issuer.now() / 1000);
  const extended = expirationSeconds === INJECTED_SECONDS && "pod" in bound;
  const expires = nowSeconds + (extended ? YEAR : expirationSeconds);
  const claims: TokenClaims = {
    aud: audiences.length > 0 ? audiences : [issuer.signer.issuer],
    exp: expires,
    iat: nowSeconds,
    iss: issuer.signer.issuer,
    jti: randomUUID(),
    "kubernetes.io": {
      namespace,
      ...bound,
      serviceaccount: { name, uid: account.metadata.uid ?? "" },
      ...(extended && { warnafter: nowSeconds + INJECTED_SECONDS }),
    },
    nbf: nowSeconds,
    sub: serviceAccountUser(namespace, name),
  };
  const answer = {
    ...request,
    metadata: { name, namespace, creationTimestamp: timeAt(issuer.now()) },
    spec: { ...request.spec, audiences: claims.aud, expirationSeconds },
    status: {
      token: issuer.signer.issue(claims),
      expirationTimestamp: timeAt((nowSeconds + expirationSeconds) * 1000),
    },
  };
  return encodeStatus(call, answer, 201);
}

const kinds = {
  Pod: { resource: "pods", claim: "pod" },
  Secret: { resource: "secrets", claim: "secret" },
  Node: { resource: "nodes", claim: "node" },
} as const;

type Bound = Pick<TokenClaims["kubernetes.io"], "pod" | "secret" | "node">;

async function bind(
  bindings: TokenBindings,
  namespace: string,
  account: string,
  { kind = "", name = "", uid: wanted }: { kind?: string; name?: string; uid?: string },
): Promise<Bound> {
  if (!Object.hasOwn(kinds, kind))
    fail(status.badRequest(`cannot bind token for serviceaccount to object of kind ${JSON.stringify(kind)}`));
  const { resource, claim } = kinds[kind as keyof typeof kinds];
  const object = await bindings.find(resource, kind === "Node" ? "" : namespace, name);
  if (object === undefined) return fail(status.notFound({ group: "", resource }, name));
  const { uid = "" } = object.metadata;
  if (wanted && wanted !== uid) {
    const why = `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`;
    fail(status.conflict({ group: "", resource }, name, why));
  }
  if (kind !== "Pod") return { [claim]: { name, uid } };
  const { spec } = object as Pod & KubeObject;
  if (spec.serviceAccountName !== account) {
    const whose = `cannot bind token for serviceaccount ${JSON.stringify(account)}`;
    fail(status.badRequest(`${whose} to pod running with different serviceaccount name.`));
  }
  if (!spec.nodeName) return { pod: { name, uid } };
  const node = await bindings.find("nodes", "", spec.nodeName);
  return { pod: { name, uid }, node: { name: spec.nodeName, uid: node?.metadata.uid ?? "" } };
}
