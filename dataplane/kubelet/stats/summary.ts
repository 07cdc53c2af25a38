import { timeAt } from "../../../controlplane/api/mod.ts";
import { type DiskUsage, type FileSystem, localStorageBytes, type NodeSample, type PodSample } from "./node-sample.ts";

/** The answer of /stats/summary (k8s.io/kubelet/pkg/apis/stats/v1alpha1). */
export function summary(nodeName: string, startedAtMs: number, sample: NodeSample): object {
  const time = timeAt(sample.atMs);
  const cpu = ({ totalNanoseconds, nanoCores }: NodeSample["cpu"]) => ({
    time,
    ...(nanoCores === undefined ? {} : { usageNanoCores: nanoCores }),
    ...(totalNanoseconds === undefined ? {} : { usageCoreNanoSeconds: totalNanoseconds }),
  });
  const memory = ({ usageBytes, workingSetBytes, rssBytes }: NodeSample["memory"]) => ({
    time,
    ...(usageBytes === undefined ? {} : { usageBytes }),
    ...(workingSetBytes === undefined ? {} : { workingSetBytes }),
    ...(rssBytes === undefined ? {} : { rssBytes }),
  });
  const network = (usage: NodeSample["network"]) =>
    usage === undefined ? {} : { network: { time, name: "eth0", ...usage, interfaces: [{ name: "eth0", ...usage }] } };
  const { capacityBytes, availableBytes, inodes, inodesFree } = sample.fs;
  const shared = { time, availableBytes, capacityBytes, inodesFree, inodes };
  const disk = (usage: DiskUsage) => ({ ...shared, usedBytes: usage.usedBytes, inodesUsed: usage.inodesUsed });
  const nodeFs = { time, ...whole(sample.fs) };
  const pod = (one: PodSample) => ({
    podRef: { name: one.name, namespace: one.namespace, uid: one.uid },
    startTime: timeAt(one.startedAtMs),
    containers: one.containers.map((container) => ({
      name: container.name,
      startTime: timeAt(container.startedAtMs),
      cpu: cpu(container.cpu),
      memory: memory(container.memory),
      ...(container.rootfs === undefined ? {} : { rootfs: disk(container.rootfs) }),
      logs: disk(container.logs),
    })),
    cpu: cpu(one.cpu),
    memory: memory(one.memory),
    ...network(one.network),
    volume: [
      ...one.volumes.map((volume) => ({ ...disk(volume), name: volume.name })),
      ...one.claims.map(({ name, claim, fs }) => ({ time, ...whole(fs), name, pvcRef: claim })),
    ],
    "ephemeral-storage": { ...shared, usedBytes: localStorageBytes(one) },
  });
  return {
    node: {
      nodeName,
      startTime: timeAt(startedAtMs),
      cpu: cpu(sample.cpu),
      memory: memory(sample.memory),
      ...network(sample.network),
      fs: nodeFs,
      runtime: { imageFs: { ...shared, usedBytes: sample.imageFsUsedBytes } },
    },
    pods: sample.pods.map(pod),
  };
}

/** A file system, as all that is in it. */
function whole({ capacityBytes, availableBytes, inodes, inodesFree }: FileSystem) {
  const [usedBytes, inodesUsed] = [capacityBytes - availableBytes, inodes - inodesFree];
  return { availableBytes, capacityBytes, inodesFree, inodes, usedBytes, inodesUsed };
}
