import type { IncomingMessage } from "node:http";
import { type Node, type Pod, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { read } from "../handlers/read.ts";
import type { Call } from "../http/call.ts";
import type { Reply, Sink } from "../http/reply.ts";
import type { Served } from "../registry/served.ts";
import { askKubelet, type KubeletOptions } from "./ask-kubelet.ts";

const passedOn = ["follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes", "stream"];

/** GET pods/NAME/log: asks the kubelet of the pod's node, and passes on what it says, as it says it. */
export async function podLog(
  pods: Served,
  nodes: Served,
  call: Call,
  kubelet: KubeletOptions | undefined,
): Promise<Reply> {
  const { namespace, name } = call.info;
  const pod = (await read(pods, namespace, name)) as unknown as Pod;
  const container = chooseContainer(pod, name, call.query.get("container") ?? "");
  // Before it is scheduled, a pod has said nothing.
  if (!pod.spec.nodeName) return { kind: "body", code: 200, contentType: "text/plain", body: "" };
  if (kubelet === undefined) fail(status.internalError("no client certificate for kubelets was configured"));
  const node = (await read(nodes, "", pod.spec.nodeName)) as unknown as Node;
  const query = new URLSearchParams();
  for (const option of passedOn) {
    const value = call.query.get(option);
    if (value !== null) query.set(option, value);
  }
  const path = `/containerLogs/${[namespace, name, container].map(encodeURIComponent).join("/")}?${query}`;
  const answer = await askKubelet(node, path, kubelet, call.signal);
  if (answer.statusCode !== 200) return refusal(answer);
  return { kind: "stream", contentType: "text/plain", pump: (sink) => pass(answer, sink) };
}

/** The container that is asked for, or the one that may be meant where nobody says. */
export function chooseContainer(pod: Pod, name: string, asked: string): string {
  const regular = pod.spec.containers.map((container) => container.name);
  const init = (pod.spec.initContainers ?? []).map((container) => container.name);
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((container) => container.name ?? "");
  if (asked !== "") {
    if ([...regular, ...init, ...ephemeral].includes(asked)) return asked;
    return fail(status.badRequest(`container ${asked} is not valid for pod ${name}`));
  }
  const marked = pod.metadata.annotations?.["kubectl.kubernetes.io/default-container"];
  if (marked !== undefined && regular.includes(marked)) return marked;
  if (regular.length === 1 && init.length === 0) return regular[0] as string;
  const choices = [
    `choose one of: [${regular.join(" ")}]`,
    ...(init.length > 0 ? [`or one of the init containers: [${init.join(" ")}]`] : []),
  ];
  return fail(status.badRequest(`a container name must be specified for pod ${name}, ${choices.join(" ")}`));
}

async function refusal(answer: IncomingMessage): Promise<Reply> {
  let body = "";
  for await (const chunk of answer) if (body.length < 8192) body += String(chunk);
  const code = answer.statusCode ?? 500;
  const text = body.trim();
  if (code === 404)
    return fail({ ...status.pathNotFound(), message: text || "the server could not find the requested resource" });
  return fail(code === 400 ? status.badRequest(text) : status.internalError(text || `the kubelet answered ${code}`));
}

async function pass(answer: IncomingMessage, sink: Sink): Promise<void> {
  const leave = () => answer.destroy();
  sink.signal.addEventListener("abort", leave, { once: true });
  try {
    for await (const chunk of answer) if (!sink.write(chunk)) await sink.drained();
  } catch (error) {
    // A kubelet that goes away ends the log, which has begun already; a client that left made us hang up.
    if (!sink.signal.aborted && !(error instanceof Error && "code" in error)) throw error;
  } finally {
    sink.signal.removeEventListener("abort", leave);
  }
}
