import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { requestUpgrade } from "../../../../streaming/mod.ts";
import type { Node } from "../../../api/mod.ts";
import type { Registry } from "../../registry/served.ts";
import { type KubeletOptions, kubeletOptions, kubeletSocketAnnotation } from "../ask-kubelet.ts";
import type { Location } from "./locations.ts";

/**
 * Connections to addresses of pods and nodes. Where nodes are in network namespaces of their own, this server cannot reach them: a kubelet connects for
 * it, and passes bytes on (`/flotilla/dial`, which kubelets of such nodes offer).
 */
export class ClusterDialer {
  readonly #registry: Registry;
  readonly #kubelet: KubeletOptions | undefined;

  constructor(registry: Registry, kubelet: KubeletOptions | undefined) {
    this.#registry = registry;
    this.#kubelet = kubelet;
  }

  /** Rejects when nobody answers there. */
  async dial({ address, port, nodeName }: Location, signal: AbortSignal): Promise<Duplex> {
    const node = await this.#nodeFor(nodeName);
    if (node === undefined || this.#kubelet === undefined) {
      const socket = connect({ host: address, port, allowHalfOpen: false });
      await once(socket, "connect", { signal });
      return socket;
    }
    const path = `/flotilla/dial?address=${encodeURIComponent(`${address}:${port}`)}`;
    const headers = { Connection: "Upgrade", Upgrade: "tcp" };
    const answer = await requestUpgrade({
      ...kubeletOptions(node, this.#kubelet),
      secure: true,
      path,
      headers,
      signal,
    });
    if (answer.kind === "upgraded") {
      if (answer.head.length > 0) answer.socket.unshift(answer.head);
      return answer.socket;
    }
    let text = "";
    for await (const chunk of answer.response) if (text.length < 4096) text += String(chunk);
    throw new Error(text.trim() || `the kubelet answered ${answer.response.statusCode}`);
  }

  /** The node itself, or any that can help; undefined: no node needs help. */
  async #nodeFor(nodeName: string | undefined): Promise<Node | undefined> {
    const nodes = this.#registry.need("", "v1", "nodes");
    const { items } = await nodes.lister.state(nodes.prefix(""), "");
    const helpful = (items as unknown as readonly Node[]).filter(
      ({ metadata }) => metadata.annotations?.[kubeletSocketAnnotation] !== undefined,
    );
    const own = helpful.find(({ metadata }) => metadata.name === nodeName);
    const isReady = ({ status }: Node) =>
      status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");
    return own ?? helpful.find(isReady);
  }
}
