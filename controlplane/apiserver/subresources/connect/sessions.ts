import { type Node, type Pod, status } from "../../../api/mod.ts";
import { fail } from "../../fail.ts";
import { read } from "../../handlers/read.ts";
import type { Call } from "../../http/call.ts";
import type { Reply } from "../../http/reply.ts";
import { isTrue } from "../../http/request-info.ts";
import type { Served } from "../../registry/served.ts";
import { kubeletOptions } from "../ask-kubelet.ts";
import { chooseContainer } from "../log.ts";
import type { ConnectOptions } from "./mod.ts";
import { passUpgrade } from "./pass-upgrade.ts";

/** The client's flags, as kubelets name them. */
const flags = { stdin: "input", stdout: "output", stderr: "error", tty: "tty" } as const;

/** GET (WebSocket) and POST (SPDY) of pods/NAME/exec: the session is the kubelet's, byte by byte. */
export async function exec(pods: Served, call: Call, options: ConnectOptions): Promise<Reply> {
  const query = flagsOf(call);
  for (const word of call.query.getAll("command")) query.append("command", word);
  return withContainer("exec", query, pods, call, options);
}

export function attach(pods: Served, call: Call, options: ConnectOptions): Promise<Reply> {
  return withContainer("attach", flagsOf(call), pods, call, options);
}

export async function portForward(pods: Served, call: Call, options: ConnectOptions): Promise<Reply> {
  const { namespace, name } = call.info;
  const pod = (await read(pods, namespace, name)) as unknown as Pod;
  const ports = call.query.getAll("ports");
  const query = new URLSearchParams(ports.length === 0 ? {} : { port: ports.join(",") });
  return connect(pod, ["portForward", namespace, name], query, call, options);
}

async function withContainer(
  verb: string,
  query: URLSearchParams,
  pods: Served,
  call: Call,
  options: ConnectOptions,
): Promise<Reply> {
  const { namespace, name } = call.info;
  const pod = (await read(pods, namespace, name)) as unknown as Pod;
  const container = chooseContainer(pod, name, call.query.get("container") ?? "");
  return connect(pod, [verb, namespace, name, container], query, call, options);
}

async function connect(
  pod: Pod,
  parts: readonly string[],
  query: URLSearchParams,
  call: Call,
  { registry, kubelet }: ConnectOptions,
): Promise<Reply> {
  const { nodeName } = pod.spec;
  if (!nodeName) fail(status.badRequest(`pod ${pod.metadata.name} does not have a host assigned`));
  if (call.connection?.upgrade === undefined) fail(status.badRequest("Upgrade request required"));
  if (kubelet === undefined) fail(status.internalError("no client certificate for kubelets was configured"));
  const node = (await read(registry.need("", "v1", "nodes"), "", nodeName)) as unknown as Node;
  const path = `/${parts.map(encodeURIComponent).join("/")}?${query}`;
  return passUpgrade(call, { ...kubeletOptions(node, kubelet), secure: true, path });
}

function flagsOf({ query }: Call): URLSearchParams {
  const on = Object.entries(flags).filter(([name]) => isTrue(query.get(name)));
  return new URLSearchParams(on.map(([, flag]): [string, string] => [flag, "1"]));
}
