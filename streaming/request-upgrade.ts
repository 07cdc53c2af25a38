import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { Duplex } from "node:stream";

export type UpgradeAnswer =
  | { readonly kind: "upgraded"; readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  /** The server answers in HTTP: most likely it refuses. */
  | { readonly kind: "answered"; readonly response: IncomingMessage };

/** Asks a server to leave HTTP on a connection of its own. Rejects when it cannot be reached, or `options.signal` fires before it has answered. */
export function requestUpgrade(options: RequestOptions & { readonly secure: boolean }): Promise<UpgradeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UpgradeAnswer>();
  const { secure, signal, ...rest } = options;
  const request = (secure ? httpsRequest : httpRequest)({
    ...rest,
    // An agent would make the connection by itself.
    agent: rest.createConnection === undefined ? false : undefined,
  });
  const abort = () => request.destroy(new Error("the request was abandoned"));
  signal?.addEventListener("abort", abort, { once: true });
  // From here on the connection belongs to whoever joins it.
  const settled = () => signal?.removeEventListener("abort", abort);
  request.on("upgrade", (response, socket, head) => {
    settled();
    resolve({ kind: "upgraded", response, socket, head });
  });
  request.on("response", (response) => {
    settled();
    resolve({ kind: "answered", response });
  });
  request.on("error", (error) => {
    settled();
    reject(error);
  });
  request.end();
  return promise;
}
