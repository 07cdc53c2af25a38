import {
  apiVersionOf,
  type KubeObject,
  matchesLabels,
  type Node,
  type NodeMetrics,
  type Pod,
  type PodMetrics,
  parseLabelSelector,
  Quantity,
  type Resource,
  status,
  timeAt,
} from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { encodeList, encodeOne } from "../handlers/encode.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Registry, Served } from "../registry/served.ts";
import type { NodeUsage, Usage } from "./node-usage.ts";
import type { Scraper } from "./scraper.ts";

/** The kubelets measure every ten seconds; a rate is that of the time since the measurement before. */
const measureWindow = "10s";

type Handler = (resource: Resource, call: Call) => Promise<Reply>;

/**
 * metrics.k8s.io/v1beta1 as metrics-server serves it: what is not measured yet is missing from lists and 404 by name. By the plural and group of its
 * kinds.
 */
export function metricsHandlers(
  registry: Registry,
  scraper: Scraper,
  now: () => number,
): Readonly<Record<string, Handler>> {
  const nodes = registry.need("", "v1", "nodes");
  const pods = registry.need("", "v1", "pods");
  const all = async <T>(served: Served, namespace: string) =>
    (await served.lister.state(served.prefix(namespace), "")).items as unknown as readonly T[];
  const metadata = ({ metadata: { name, namespace, labels } }: KubeObject) => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    creationTimestamp: timeAt(now()),
  });

  const nodeMetrics = async (resource: Resource, node: Node): Promise<NodeMetrics[]> => {
    const usage = (await scraper.usage(node))?.node;
    if (usage === undefined) return [];
    const { timestamp } = usage;
    const meta = metadata(node as unknown as KubeObject);
    return [{ ...typed(resource), metadata: meta, timestamp, window: measureWindow, usage: quantities(usage) }];
  };

  const podMetrics = (resource: Resource, pod: Pod, usage: NodeUsage | undefined): PodMetrics[] => {
    const { namespace, name } = pod.metadata;
    const found = usage?.pods.find((one) => one.namespace === namespace && one.name === name);
    const first = found?.containers[0];
    if (found === undefined || first === undefined) return [];
    const containers = found.containers.map((one) => ({ name: one.name, usage: quantities(one) }));
    const meta = metadata(pod as unknown as KubeObject);
    return [{ ...typed(resource), metadata: meta, timestamp: first.timestamp, window: measureWindow, containers }];
  };

  return {
    "nodes.metrics.k8s.io": async (resource, call) => {
      const { name } = call.info;
      const wanted = chosen<Node>(await all<Node>(nodes, ""), call);
      const measured = (await Promise.all(wanted.map((node) => nodeMetrics(resource, node)))).flat();
      return answer(resource, call, measured as unknown as KubeObject[], name);
    },
    "pods.metrics.k8s.io": async (resource, call) => {
      const { namespace, name } = call.info;
      const wanted = chosen<Pod>(await all<Pod>(pods, namespace), call).filter(
        ({ status: seen }) => seen?.phase === "Running",
      );
      const hosts = new Set(wanted.map(({ spec }) => spec.nodeName));
      const machines = (await all<Node>(nodes, "")).filter(({ metadata: own }) => hosts.has(own.name));
      const usages = new Map(
        await Promise.all(machines.map(async (node) => [node.metadata.name, await scraper.usage(node)] as const)),
      );
      const measured = wanted.flatMap((pod) => podMetrics(resource, pod, usages.get(pod.spec.nodeName ?? "")));
      return answer(resource, call, measured as unknown as KubeObject[], `${namespace}/${name}`);
    },
  };
}

function chosen<T extends Node | Pod>(objects: readonly T[], call: Call): T[] {
  const labels = parseLabelSelector(call.query.get("labelSelector") ?? "");
  if (!labels.ok) fail(status.badRequest(labels.message));
  const { name } = call.info;
  return objects.filter(
    ({ metadata }) => (name === "" || metadata.name === name) && matchesLabels(labels.selector, metadata.labels),
  );
}

/** `asked`: how the message calls what is not there. */
function answer(resource: Resource, call: Call, measured: readonly KubeObject[], asked: string): Promise<Reply> {
  if (call.info.verb === "list") return encodeList(call, resource, { resourceVersion: "" }, measured);
  const [found] = measured;
  const names = { group: resource.group, resource: resource.kind.toLowerCase() };
  return found === undefined ? fail(status.notFound(names, asked)) : encodeOne(call, 200, resource, found);
}

function typed<T extends Resource>({ kind, ...resource }: T) {
  return { kind, apiVersion: apiVersionOf(resource) } as { kind: never; apiVersion: never };
}

function quantities({ nanoCores, memoryBytes }: Usage): Record<string, string> {
  return {
    cpu: `${nanoCores}n`,
    memory: Quantity.fromNumber(Math.ceil(memoryBytes / 1024) * 1024, "BinarySI").toString(),
  };
}
