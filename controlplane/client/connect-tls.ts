import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { Connection } from "./kubeconfig.ts";
import { TransportError, transportError } from "./transport.ts";

const timeoutMs = 10_000;

/** A TLS connection to the server (or its unix socket), after the handshake. Rejects with TransportError (`sent: false`). */
export function connectTls(connection: Connection, protocols: readonly string[]): Promise<TLSSocket> {
  const url = new URL(connection.server);
  const what = `connect to ${connection.socketPath ?? url.host}`;
  return new Promise((resolve, reject) => {
    const socket = connect({ ...tlsOptions(connection), ALPNProtocols: [...protocols] });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new TransportError(`${what}: no answer within ${timeoutMs} ms`, { code: "ETIMEDOUT", sent: false }));
    }, timeoutMs);
    const onError = (error: Error) => {
      clearTimeout(timer);
      reject(transportError(what, false, error));
    };
    socket.once("error", onError);
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      socket.off("error", onError);
      resolve(socket);
    });
  });
}

/** Options common to `tls.connect` and an `https.Agent`. */
export function tlsOptions(connection: Connection) {
  const url = new URL(connection.server);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const name = connection.serverName ?? host;
  return {
    // With a path the host is not dialled, but still the name that the certificate must carry.
    host: name,
    ...(connection.socketPath === undefined
      ? { host, port: Number(url.port || 443) }
      : { path: connection.socketPath }),
    ca: connection.ca as string | Buffer | undefined,
    cert: connection.cert as string | Buffer | undefined,
    key: connection.key as string | Buffer | undefined,
    rejectUnauthorized: connection.insecureSkipTlsVerify !== true,
    // SNI carries names only, never addresses (RFC 6066 §3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
  };
}
