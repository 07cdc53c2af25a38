import type { runtimepb } from "../../../../proto/mod.ts";
import type { LinuxContainerResources, Mount, NamespaceOptions, SecurityProfile } from "../cri.ts";

// Between the kubelet's shapes and those of the wire, both ways: `toWire…` and `fromWire…` of one thing stand together.

type Wire<K extends keyof typeof runtimepb> = (typeof runtimepb)[K] extends { decode(bytes: Uint8Array): infer T }
  ? T
  : never;

/** The key of a table of names and numbers. A number that has no name is `fallback`. */
export function nameOf<T extends Readonly<Record<string, number>>>(
  table: T,
  value: number,
  fallback: keyof T & string,
): keyof T & string {
  return Object.keys(table).find((name) => table[name] === value) ?? fallback;
}

export function toWireMap(record: Readonly<Record<string, string>> = {}): { key: string; value: string }[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}

export function fromWireMap(entries: readonly { key: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}

/** CRI counts nanoseconds, which do not fit a number. */
export function toWireTime(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n;
}

export function fromWireTime(nanoseconds: bigint): number {
  // Never set is 0, or the year 1 in Go's clients.
  return nanoseconds <= 0n ? 0 : Number(nanoseconds / 1000n) / 1000;
}

const modes = { POD: 0, CONTAINER: 1, NODE: 2, TARGET: 3 } as const;

export function toWireNamespaces(options: NamespaceOptions): Wire<"NamespaceOption"> {
  return {
    network: modes[options.network],
    pid: modes[options.pid],
    ipc: modes[options.ipc],
    targetId: options.targetId ?? "",
  };
}

export function fromWireNamespaces(wire: Wire<"NamespaceOption"> | undefined): NamespaceOptions {
  const { network = 0, pid = 0, ipc = 0, targetId = "" } = wire ?? {};
  return {
    network: nameOf(modes, network, "POD"),
    pid: nameOf(modes, pid, "CONTAINER"),
    ipc: nameOf(modes, ipc, "POD"),
    ...(targetId === "" ? {} : { targetId }),
  };
}

const profiles = { RuntimeDefault: 0, Unconfined: 1, Localhost: 2 } as const;

/** Nothing said is nothing applied, as the kubelet has it. */
export function toWireProfile(profile: SecurityProfile = { profileType: "Unconfined" }): Wire<"SecurityProfile"> {
  return { profileType: profiles[profile.profileType], localhostRef: profile.localhostRef ?? "" };
}

export function fromWireProfile(wire: Wire<"SecurityProfile"> | undefined): SecurityProfile | undefined {
  return (
    wire && {
      profileType: nameOf(profiles, wire.profileType, "RuntimeDefault"),
      ...(wire.localhostRef === "" ? {} : { localhostRef: wire.localhostRef }),
    }
  );
}

/** Zero means "as it is" on the wire, and absent here. */
export function toWireResources(resources: LinuxContainerResources): Wire<"LinuxContainerResources"> {
  return {
    cpuPeriod: resources.cpuPeriod ?? 0,
    cpuQuota: resources.cpuQuota ?? 0,
    cpuShares: resources.cpuShares ?? 0,
    memoryLimitInBytes: resources.memoryLimitInBytes ?? 0,
    oomScoreAdj: resources.oomScoreAdj ?? 0,
    cpusetCpus: resources.cpusetCpus ?? "",
    cpusetMems: resources.cpusetMems ?? "",
    hugepageLimits: resources.hugepageLimits ?? [],
    unified: toWireMap(resources.unified),
    memorySwapLimitInBytes: resources.memorySwapLimitInBytes ?? 0,
  };
}

export function fromWireResources(wire: Wire<"LinuxContainerResources"> | undefined): LinuxContainerResources {
  if (wire === undefined) return {};
  const { hugepageLimits, unified, ...plain } = wire;
  const set = Object.entries(plain).filter(([, value]) => value !== 0 && value !== "");
  return {
    ...Object.fromEntries(set),
    ...(hugepageLimits.length === 0 ? {} : { hugepageLimits }),
    ...(unified.length === 0 ? {} : { unified: fromWireMap(unified) }),
  };
}

const propagations = {
  PROPAGATION_PRIVATE: 0,
  PROPAGATION_HOST_TO_CONTAINER: 1,
  PROPAGATION_BIDIRECTIONAL: 2,
} as const;

export function imageSpec(image: string): Wire<"ImageSpec"> {
  return { image, annotations: [], userSpecifiedImage: image, runtimeHandler: "" };
}

export function toWireMount(mount: Mount): Wire<"Mount"> {
  const { image, ...rest } = mount;
  return {
    ...rest,
    image: image === undefined ? undefined : imageSpec(image),
    propagation: propagations[mount.propagation ?? "PROPAGATION_PRIVATE"],
    recursiveReadOnly: mount.recursiveReadOnly ?? false,
  };
}

export function fromWireMount(wire: Wire<"Mount">): Mount {
  const { containerPath, hostPath, readonly, recursiveReadOnly } = wire;
  return {
    containerPath,
    hostPath,
    readonly,
    ...(wire.propagation === 0 ? {} : { propagation: nameOf(propagations, wire.propagation, "PROPAGATION_PRIVATE") }),
    ...(recursiveReadOnly ? { recursiveReadOnly } : {}),
    ...(wire.image === undefined ? {} : { image: wire.image.image }),
  };
}

export type { Wire };
