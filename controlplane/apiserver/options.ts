import type { Log } from "../../base/mod.ts";
import type { Store } from "./storage/store.ts";
import type { KubeletOptions } from "./subresources/ask-kubelet.ts";

/** How to run an API server. Certificates and keys are PEM texts. */
export interface ApiServerOptions {
  /** The store: client URLs of etcd members. */
  readonly etcdServers: readonly string[];
  readonly etcdTls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** A store that is open already, instead of `etcdServers`; it stays the caller's to close. */
  readonly store?: Store;
  /** Port 0 picks a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Also answers on this unix socket, with the same TLS: for clients in other network namespaces. */
  readonly unixSocket?: string;
  readonly tls: {
    readonly cert: string;
    readonly key: string;
    /** Authority of client certificates: CN is the user, each O a group. */
    readonly clientCa: string;
  };
  /** Default 10.96.0.0/16. */
  readonly serviceClusterIPRange?: string;
  /** Default 30000-32767. */
  readonly nodePortRange?: string;
  readonly serviceAccountKey: {
    /** Signs and checks tokens: RSA or P-256, PKCS #8 or SEC 1. All API servers of a store share it. */
    readonly privateKey: string;
    /** Keys, public or private, whose tokens are accepted as well: those of before a rotation. */
    readonly retired?: readonly string[];
    /** Default https://kubernetes.default.svc.cluster.local. */
    readonly issuer?: string;
  };
  /** For pod logs. Without it they are refused. */
  readonly kubeletClientTls?: KubeletOptions;
  /** Where other machines reach this server: what the Service `kubernetes` leads to. Default: the listening address. */
  readonly advertiseAddress?: string;
  /** The port there. Default: the port it listens on. */
  readonly advertisePort?: number;
  /** An EncryptionConfiguration: how objects are kept in the store. It is read again when it changes. */
  readonly encryptionConfigFile?: string;
  /** Such as PodSecurity. Default: none. */
  readonly disabledAdmissionPlugins?: readonly string[];
  /** Requests answered at once, beyond which clients are told to come back. Defaults 400 and 200; 0: any number. */
  readonly inFlight?: { readonly reading?: number; readonly writing?: number };
  /** Who did what, as lines of JSON: a Policy of audit.k8s.io/v1 in YAML, and the file ("-": standard output). */
  readonly audit?: { readonly policy: string; readonly logPath: string };
  /** What /version says, such as v1.33.0. kubectl is content with one minor version more or less than its own. */
  readonly kubernetesVersion: string;
  /** How long it goes on answering after it has said, at /readyz, that it stops: balancers need to notice. Default 0. */
  readonly shutdownDelayMs?: number;
  /** How long open requests may go on when the server stops. Default 10 s. */
  readonly shutdownGraceMs?: number;
  readonly log: Log;
}

export interface ApiServer {
  /** The port it listens on. */
  readonly port: number;
  /** Resolves when everything every cluster has is there: the server is ready. Rejects if that is impossible. */
  readonly ready: Promise<void>;
  /** Stops accepting, ends streams, waits for open requests. Twice is once. */
  stop(): Promise<void>;
}
