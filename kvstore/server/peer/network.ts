import { connect, createServer, type Server, type Socket } from "node:net";
import { Failure } from "../../../base/mod.ts";

/** PEM texts of a member, for both roles it plays towards the others. */
export interface PeerTls {
  readonly cert: string;
  readonly key: string;
  /** Signs the certificates of the members. */
  readonly ca?: string;
  /** Refuse a member without a certificate signed by `ca`. */
  readonly requireClientCertificate?: boolean;
}

/** Sockets of this machine: TCP for http URLs, TLS for https URLs. */
export async function dial(url: string, tls: PeerTls | undefined): Promise<Socket> {
  const { protocol, hostname, port } = new URL(url);
  const host = bare(hostname);
  let socket: Socket;
  let ready: string;
  if (protocol === "https:") {
    const { connect: connectTls } = await import("node:tls");
    socket = connectTls({ host, port: Number(port), cert: tls?.cert, key: tls?.key, ca: tls?.ca });
    ready = "secureConnect";
  } else {
    socket = connect({ host, port: Number(port) });
    ready = "connect";
  }
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.setTimeout(dialTimeoutMs, () => socket.destroy(new Error(`no answer from ${url}`)));
    socket.once(ready, () => {
      socket.setTimeout(0);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

const dialTimeoutMs = 5000;

/** Rejects with a `Failure` if the address cannot be used. */
export async function listen(
  url: string,
  tls: PeerTls | undefined,
  onSocket: (socket: Socket) => void,
  onRejected: (remote: string, error: Error) => void,
): Promise<Server> {
  const { protocol, hostname, port } = new URL(url);
  let server: Server;
  if (protocol === "https:") {
    if (tls === undefined) {
      throw new Failure("PeerTlsMissing", `no certificate for ${url}`, "Give --peer-cert-file and --peer-key-file");
    }
    const { createServer: createTlsServer } = await import("node:tls");
    const { cert, key, ca, requireClientCertificate } = tls;
    const check = {
      requestCert: requireClientCertificate ?? false,
      rejectUnauthorized: requireClientCertificate ?? false,
    };
    const tlsServer = createTlsServer({ cert, key, ca, ...check }, onSocket);
    tlsServer.on("tlsClientError", (error, socket) => onRejected(socket.remoteAddress ?? "", error));
    server = tlsServer;
  } else {
    server = createServer({ noDelay: true }, onSocket);
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(url, error)));
    server.listen(Number(port), bare(hostname), resolve);
  });
  return server;
}

export function cannotListen(url: string, error: NodeJS.ErrnoException): Failure {
  if (error.code === "EADDRINUSE") {
    return new Failure("PortTaken", `${url} is in use by another process`, "Stop it, or choose another port", error);
  }
  return new Failure(
    "CannotListen",
    `cannot listen on ${url}: ${error.message}`,
    "Choose an address of this machine",
    error,
  );
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}
