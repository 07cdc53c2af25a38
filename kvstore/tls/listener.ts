import { constants } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import { type Pems, pemsOf, type TlsOptions } from "./options.ts";
import { handshakeText, objectionTo, verificationText } from "./verify.ts";

export interface TlsListenerEvents {
  /** The other side is who it should be. */
  accepted(socket: TLSSocket): void;
  /** It is not, or does not speak TLS: the connection is closed. */
  rejected(remote: string, serverName: string, why: string): void;
}

export interface TlsListenerOptions {
  readonly protocols?: readonly string[];
  readonly handshakeTimeoutMs?: number;
}

/**
 * A server of TLS connections that looks at its certificates before every handshake: a file that changed counts for the next
 * connection. Sessions are never resumed, so that nobody comes in on what was believed before.
 */
export function createTlsListener(
  tls: TlsOptions,
  events: TlsListenerEvents,
  options: TlsListenerOptions = {},
): Server {
  let pems = pemsOf(tls);
  const required = tls.requireClientCertificate ?? false;
  const inner = createTlsServer({
    ...secureContextOf(pems, tls),
    requestCert: required || pems.ca !== undefined,
    rejectUnauthorized: required,
    handshakeTimeout: options.handshakeTimeoutMs ?? 10_000,
    ...(options.protocols !== undefined && { ALPNProtocols: [...options.protocols] }),
  });
  const reject = (socket: Socket, why: string) => {
    const serverName = (socket as Partial<TLSSocket>).servername;
    events.rejected(
      `${socket.remoteAddress}:${socket.remotePort}`,
      typeof serverName === "string" ? serverName : "",
      why,
    );
    socket.destroy();
  };
  inner.on("secureConnection", (socket) => {
    // Whoever is looked at may hang up.
    const onError = () => undefined;
    socket.on("error", onError);
    objectionTo(socket, tls, "client").then(
      (objection) => {
        if (objection !== undefined) return reject(socket, objection);
        socket.off("error", onError);
        if (!socket.destroyed) events.accepted(socket);
      },
      (error: Error) => reject(socket, error.message),
    );
  });
  inner.on("tlsClientError", (error, socket) => {
    const { authorizationError } = socket;
    reject(socket, authorizationError ? verificationText(String(authorizationError)) : handshakeText(error));
  });
  return createServer({ noDelay: true }, (socket) => {
    try {
      const latest = pemsOf(tls);
      if (latest !== pems) inner.setSecureContext(secureContextOf(latest, tls));
      pems = latest;
    } catch (error) {
      reject(socket, (error as Error).message);
      return;
    }
    inner.emit("connection", socket);
  });
}

export function secureContextOf(pems: Pems, { minVersion, maxVersion, ciphers }: TlsOptions): SecureContextOptions {
  return {
    cert: text(pems.cert),
    key: text(pems.key),
    ...(pems.ca !== undefined && { ca: text(pems.ca) }),
    minVersion: minVersion ?? "TLSv1.2",
    ...(maxVersion !== undefined && { maxVersion }),
    ...(ciphers !== undefined && { ciphers }),
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

export function text(pem: string | Uint8Array): string | Buffer {
  return typeof pem === "string" ? pem : Buffer.from(pem);
}
