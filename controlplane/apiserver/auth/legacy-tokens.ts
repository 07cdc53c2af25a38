/** What a token of a Secret of type kubernetes.io/service-account-token says. */
export interface LegacyClaims {
  readonly namespace: string;
  /** The Secret that holds it. */
  readonly secret: string;
  readonly account: { readonly name: string; readonly uid: string };
}

const ISSUER = "kubernetes/serviceaccount";

/** undefined: the token is of another kind. */
export function legacyClaimsOf(claims: Readonly<Record<string, unknown>> | undefined): LegacyClaims | undefined {
  if (claims?.iss !== ISSUER) return undefined;
  const text = (name: string) => {
    const value = claims[`${ISSUER}/${name}`];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [namespace, secret] = [text("namespace"), text("secret.name")];
  const [name, uid] = [text("service-account.name"), text("service-account.uid")];
  if (namespace === undefined || secret === undefined || name === undefined || uid === undefined) return undefined;
  return { namespace, secret, account: { name, uid } };
}
