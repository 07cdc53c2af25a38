import type { IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { type Node, StatusError, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";

export interface KubeletOptions {
  /** Who the API server is to kubelets. PEM texts. */
  readonly cert: string;
  readonly key: string;
  /** Authority of the kubelets' certificates; absent: any certificate will do. */
  readonly ca?: string;
}

/** On a Node: the unix socket of its kubelet, where the kubelet is not reachable by the node's address. */
export const kubeletSocketAnnotation = "flotilla.dev/kubelet-socket";

type Address = { readonly socketPath: string } | { readonly host: string; readonly port: number };

function addressOf(node: Node): Address {
  const socketPath = node.metadata.annotations?.[kubeletSocketAnnotation];
  if (socketPath !== undefined) return { socketPath };
  const addresses = node.status?.addresses ?? [];
  const preferred = ["InternalIP", "Hostname", "ExternalIP"].map((type) => addresses.find((a) => a.type === type));
  const host = preferred.find((address) => address !== undefined)?.address;
  if (host === undefined) fail(status.internalError(`no preferred addresses found for node ${node.metadata.name}`));
  return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || 10250 };
}

/** How to reach the node's kubelet as the API server: options of node:https. Fails the request where nobody knows. */
export function kubeletOptions(node: Node, kubelet: KubeletOptions): RequestOptions {
  const address = addressOf(node);
  const { cert, key, ca } = kubelet;
  const tls = { cert, key, ...(ca === undefined ? { rejectUnauthorized: false } : { ca }) };
  // Behind a unix socket there is no name that a certificate could bear: its authority alone counts.
  return {
    ...address,
    ...tls,
    ...("socketPath" in address ? { checkServerIdentity: () => undefined } : {}),
    agent: false,
  };
}

/** GET of a kubelet's path. Rejects with StatusError when the kubelet cannot be reached. */
export function askKubelet(
  node: Node,
  path: string,
  kubelet: KubeletOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options = kubeletOptions(node, kubelet);
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ ...options, path, signal }, resolve);
    request.on("error", (error) => {
      const where = options.socketPath ?? `${options.host}:${options.port}`;
      reject(new StatusError(status.internalError(`Get "https://${where}${path}": ${error.message}`)));
    });
    request.end();
  });
}
