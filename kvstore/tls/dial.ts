import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { secureContextOf, text } from "./listener.ts";
import { pemsOf, type TlsOptions } from "./options.ts";
import { objectionTo, verificationText } from "./verify.ts";

/** Where to: an address of TCP or a unix socket. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/** Opens a connection with the certificates as they are now. `ready` hears whether the server is who it should be. */
export function dialTls(
  address: Address,
  tls: TlsOptions | undefined,
  ready: (error: Error | undefined) => void,
): TLSSocket {
  const name = "host" in address && isIP(address.host) === 0 ? { servername: address.host } : {};
  const socket = connect({
    ...address,
    ...name,
    ...(tls !== undefined && clientContextOf(tls)),
    rejectUnauthorized: false,
  });
  socket.once("secureConnect", () => {
    if (tls === undefined) {
      ready(socket.authorized ? undefined : new Error(verificationText(String(socket.authorizationError))));
      return;
    }
    objectionTo(socket, tls, "server").then(
      (why) => ready(why === undefined ? undefined : new Error(why)),
      (error: Error) => ready(error),
    );
  });
  return socket;
}

function clientContextOf(tls: TlsOptions) {
  const pems = pemsOf(tls);
  const own = pems.clientCert !== undefined && pems.clientKey !== undefined;
  const shown = own ? { cert: text(pems.clientCert!), key: text(pems.clientKey!) } : {};
  return { ...secureContextOf(pems, tls), ...shown };
}
