import { rpcError } from "./errors.ts";

/** Scheme, authority (up to a path, query or fragment), path, the rest. */
const urlParts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(.*)$/i;
const hostAndPort = /^(?:[^@]*@)?(?:\[[^\]]+\]|[^:[\]]*):(\d*)$/;

/** Where a new member will listen for its peers, in order. Throws `MemberBadURLs` for what etcd (`types.NewURLs`) does not take. */
export function checkPeerUrls(urls: readonly string[]): readonly string[] {
  if (urls.length === 0) throw rpcError("MemberBadURLs");
  return urls.map(checked).sort();
}

function checked(text: string): string {
  const trimmed = text.trim();
  const [, scheme = "", authority = "", path = "", rest = ""] = urlParts.exec(trimmed) ?? [];
  const isNetwork = /^https?$/i.test(scheme) && hostAndPort.test(authority) && path === "";
  if (!isNetwork && !/^unixs?$/i.test(scheme)) throw rpcError("MemberBadURLs");
  return `${scheme.toLowerCase()}://${authority}${path}${rest}`;
}
