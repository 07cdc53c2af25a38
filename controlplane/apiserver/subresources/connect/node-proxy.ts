import { type Node, status } from "../../../api/mod.ts";
import { fail } from "../../fail.ts";
import { read } from "../../handlers/read.ts";
import type { Call } from "../../http/call.ts";
import type { Reply } from "../../http/reply.ts";
import type { Served } from "../../registry/served.ts";
import { type KubeletOptions, kubeletOptions } from "../ask-kubelet.ts";
import type { ClusterDialer } from "./cluster-dialer.ts";
import { splitName } from "./locations.ts";
import { passOn, passTo } from "./pass-on.ts";

/** nodes/NAME/proxy: the kubelet's own paths; with another port, whatever listens there on the node. */
export async function nodeProxy(
  nodes: Served,
  call: Call,
  kubelet: KubeletOptions | undefined,
  dialer: ClusterDialer,
): Promise<Reply> {
  const { scheme, name, port } = splitName("node", call.info.name);
  const node = (await read(nodes, "", name)) as unknown as Node;
  const kubeletPort = node.status?.daemonEndpoints?.kubeletEndpoint?.Port || 10_250;
  if (port !== "" && Number(port) !== kubeletPort) {
    const address = node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
    if (address === undefined) fail(status.internalError(`no preferred addresses found for node ${name}`));
    return passOn(call, { scheme: scheme || "http", address, port: Number(port), nodeName: name }, dialer);
  }
  if (kubelet === undefined) fail(status.internalError("no client certificate for kubelets was configured"));
  return passTo(call, { ...kubeletOptions(node, kubelet), secure: true }, `${name}:${kubeletPort}`);
}
