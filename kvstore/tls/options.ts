/** PEM texts. */
export interface Pems {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** Shown on connections that this side opens; `cert` and `key` if there are none. */
  readonly clientCert?: string | Uint8Array;
  readonly clientKey?: string | Uint8Array;
  /** Signs the certificates that are accepted. */
  readonly ca?: string | Uint8Array;
}

/** How one side of TLS shows itself, and whom it believes. */
export interface TlsOptions extends Pems {
  /** Texts that may change: asked before every handshake, and taken instead of those above. The same object as long as they are
   * the same. What it throws refuses the connection. */
  readonly current?: () => Pems;
  /** Refuse clients without a certificate signed by `ca`. */
  readonly requireClientCertificate?: boolean;
  /** Serial numbers of certificates that are good no more, in hexadecimal capitals without leading zeros. Asked at every
   * handshake; what it throws refuses the connection. */
  readonly revoked?: () => ReadonlySet<string>;
  /** Names or addresses, of which a certificate has to have one. */
  readonly allowedHostnames?: readonly string[];
  readonly allowedCommonNames?: readonly string[];
  /** A client's certificate has to be that of the address it comes from. */
  readonly checkAddress?: boolean;
  /** Believe any server: its certificate is one that it made for itself. */
  readonly trustsAnyServer?: boolean;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion?: "TLSv1.2" | "TLSv1.3";
  /** In OpenSSL's names, joined by colons. */
  readonly ciphers?: string;
}

export function pemsOf(tls: TlsOptions): Pems {
  return tls.current?.() ?? tls;
}
