import { rm, stat } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Failure } from "../../../base/mod.ts";
import { createTlsListener, dialTls, type TlsOptions } from "../../tls/mod.ts";

/** Sockets of this machine: TCP for http URLs, TLS for https URLs, and unix sockets for unix and unixs URLs. */
export function dial(url: string, tls: TlsOptions | undefined, timeoutMs = dialTimeoutMs): Promise<Socket> {
  const { secure, ...address } = addressOf(url);
  return new Promise((resolve, reject) => {
    const ready = (error?: Error) => {
      socket.setTimeout(0);
      socket.off("error", reject);
      if (error === undefined) {
        resolve(socket);
        return;
      }
      socket.on("error", () => undefined); // it is over
      socket.destroy();
      reject(error);
    };
    const socket = secure ? dialTls(address, tls, ready) : connect(address, () => ready());
    socket.setNoDelay(true);
    socket.once("error", reject);
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer from ${url}`)));
  });
}

const dialTimeoutMs = 5000;

/** Rejects with a `Failure` if the address cannot be used. */
export async function listen(
  url: string,
  tls: TlsOptions | undefined,
  onSocket: (socket: Socket) => void,
  onRejected: (remote: string, serverName: string, why: string) => void,
  reusePort = false,
): Promise<Server> {
  const found = listenAddressOf(url);
  const { secure, ...address } = found;
  if (secure && tls === undefined) {
    throw new Failure(
      "PeerTlsMissing",
      `TLS key/cert (--peer-cert-file, --peer-key-file) must be provided for peer url ${url} with HTTPS scheme`,
      "Give --peer-cert-file and --peer-key-file",
    );
  }
  const server =
    secure && tls !== undefined
      ? createTlsListener(tls, { accepted: onSocket, rejected: onRejected })
      : createServer({ noDelay: true }, onSocket);
  await removeOldSocket(found);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(url, error)));
    server.listen({ ...address, ...(reusePort && "port" in address && { reusePort }) }, resolve);
  });
  return server;
}

export type UrlAddress = ({ readonly host: string; readonly port: number } | { readonly path: string }) & {
  readonly secure: boolean;
};

/** `unix://` takes a path or, as etcd's tests have it, a `host:port` that names a file in the working directory. */
export function addressOf(url: string): UrlAddress {
  const [, unix, path] = /^(unixs?):\/\/(.+)$/.exec(url) ?? [];
  if (path !== undefined) return { path, secure: unix === "unixs" };
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === "https:";
  // `URL` leaves out a port that is the scheme's own.
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (secure ? 443 : 80)), secure };
}

/** As Go: of the two addresses that `localhost` may have, clients try the old one by default. */
export function listenAddressOf(url: string): UrlAddress {
  const address = addressOf(url);
  return "host" in address && address.host === "localhost" ? { ...address, host: "127.0.0.1" } : address;
}

/** A socket that a member left behind when it was killed is in the way of its successor. */
export async function removeOldSocket(address: UrlAddress): Promise<void> {
  if (!("path" in address)) return;
  const found = await stat(address.path).catch(() => undefined);
  if (found?.isSocket()) await rm(address.path, { force: true });
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
