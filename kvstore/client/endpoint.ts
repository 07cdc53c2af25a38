import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, checkServerIdentity, connect as connectTls } from "node:tls";
import type { ClientTlsOptions } from "./types.ts";

/** Where a member listens. */
export interface Endpoint {
  /** As it was given. */
  readonly name: string;
  readonly encrypted: boolean;
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** The `:authority` of requests. */
  readonly authority: string;
}

/** Throws for what is not an endpoint, saying what one looks like. */
export function parseEndpoint(name: string): Endpoint {
  const scheme = /^([a-z]+):\/\//.exec(name)?.[1] ?? "http";
  const rest = name.replace(/^[a-z]+:\/\//, "");
  if (scheme === "unix" || scheme === "unixs") {
    return { name, encrypted: scheme === "unixs", address: { path: rest }, authority: "localhost" };
  }
  const match = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)\/?$/.exec(rest);
  if ((scheme !== "http" && scheme !== "https") || match === null) {
    throw new Error(`"${name}" is not an endpoint such as http://127.0.0.1:2379 or unix:///path`);
  }
  const host = match[1] ?? (match[2] as string);
  const address = { host, port: Number(match[3]) };
  return { name, encrypted: scheme === "https", address, authority: rest.replace(/\/$/, "") };
}

/** Starts to connect. `ready` is called once the socket (and TLS on it) is established. */
export function dial(endpoint: Endpoint, tls: ClientTlsOptions | undefined, ready: () => void): Socket {
  const { address, encrypted } = endpoint;
  if (!encrypted) return connectTcp({ ...address, noDelay: true }, ready);
  // What a certificate must bear; SNI, unlike it, must not be an address.
  const name = tls?.serverName ?? ("host" in address ? address.host : "localhost");
  const options: ConnectionOptions = {
    ...address,
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    rejectUnauthorized: tls?.insecureSkipVerify !== true,
    ALPNProtocols: ["h2"],
  };
  if (isIP(name) === 0) options.servername = name;
  if (tls?.ca !== undefined) options.ca = toPem(tls.ca);
  if (tls?.cert !== undefined) options.cert = toPem(tls.cert);
  if (tls?.key !== undefined) options.key = toPem(tls.key);
  return connectTls(options, ready).setNoDelay(true);
}

function toPem(text: string | Uint8Array): string | Buffer {
  return typeof text === "string" ? text : Buffer.from(text);
}
