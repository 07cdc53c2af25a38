/** What a kubelet says of usage (/stats/summary), as far as metrics.k8s.io needs it. */
export interface NodeUsage {
  readonly node: Usage | undefined;
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly containers: readonly ({ readonly name: string } & Usage)[];
  }[];
}

export interface Usage {
  /** When it was measured, as the kubelet wrote it. */
  readonly timestamp: string;
  readonly nanoCores: number;
  readonly memoryBytes: number;
}

interface Stats {
  readonly cpu?: { readonly time: string; readonly usageNanoCores?: number };
  readonly memory?: { readonly workingSetBytes?: number };
}

interface Summary {
  readonly node: Stats;
  readonly pods: readonly {
    readonly podRef: { readonly namespace: string; readonly name: string };
    readonly containers?: readonly ({ readonly name: string } & Stats)[];
  }[];
}

/** A pod of which a container has not been measured yet is left out, as metrics-server does: half of it would look like all. */
export function readSummary(text: string): NodeUsage {
  const { node, pods } = JSON.parse(text) as Summary;
  return {
    node: usageOf(node),
    pods: pods.flatMap(({ podRef, containers = [] }) => {
      const measured = containers.flatMap((container) => {
        const usage = usageOf(container);
        return usage === undefined ? [] : [{ name: container.name, ...usage }];
      });
      if (measured.length === 0 || measured.length < containers.length) return [];
      return [{ namespace: podRef.namespace, name: podRef.name, containers: measured }];
    }),
  };
}

function usageOf({ cpu, memory }: Stats): Usage | undefined {
  if (cpu?.usageNanoCores === undefined || memory?.workingSetBytes === undefined) return undefined;
  return { timestamp: cpu.time, nanoCores: cpu.usageNanoCores, memoryBytes: memory.workingSetBytes };
}
