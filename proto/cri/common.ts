// Parts of runtime.v1 that several of its messages share.
import { bool, embedded, enumeration, int64, repeated, string, uint64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

/** A map<string, string> on the wire: entries in any order, the last of a key counts. */
export const StringEntry = message("runtime.v1.StringEntry", { key: string(1), value: string(2) });
export type StringEntry = Infer<typeof StringEntry>;
export const stringMap = (number: number) => repeated(embedded(number, () => StringEntry));

/** Wrapped, zero and absent differ. */
export const Int64Value = message("runtime.v1.Int64Value", { value: int64(1) });
export const UInt64Value = message("runtime.v1.UInt64Value", { value: uint64(1) });
export const optionalInt64 = (number: number) => embedded(number, () => Int64Value);
export const optionalUint64 = (number: number) => embedded(number, () => UInt64Value);

export const NamespaceMode = { POD: 0, CONTAINER: 1, NODE: 2, TARGET: 3 } as const;

export const NamespaceOption = message("runtime.v1.NamespaceOption", {
  network: enumeration(1, NamespaceMode),
  pid: enumeration(2, NamespaceMode),
  ipc: enumeration(3, NamespaceMode),
  targetId: string(4),
});
export type NamespaceOption = Infer<typeof NamespaceOption>;

export const ProfileType = { RuntimeDefault: 0, Unconfined: 1, Localhost: 2 } as const;

export const SecurityProfile = message("runtime.v1.SecurityProfile", {
  profileType: enumeration(1, ProfileType),
  localhostRef: string(2),
});
export type SecurityProfile = Infer<typeof SecurityProfile>;

export const SupplementalGroupsPolicy = { Merge: 0, Strict: 1 } as const;

export const HugepageLimit = message("runtime.v1.HugepageLimit", { pageSize: string(1), limit: uint64(2) });

export const LinuxContainerResources = message("runtime.v1.LinuxContainerResources", {
  cpuPeriod: int64(1),
  cpuQuota: int64(2),
  cpuShares: int64(3),
  memoryLimitInBytes: int64(4),
  oomScoreAdj: int64(5),
  cpusetCpus: string(6),
  cpusetMems: string(7),
  hugepageLimits: repeated(embedded(8, () => HugepageLimit)),
  unified: stringMap(9),
  memorySwapLimitInBytes: int64(10),
});
export type LinuxContainerResources = Infer<typeof LinuxContainerResources>;

export const ImageSpec = message("runtime.v1.ImageSpec", {
  image: string(1),
  annotations: stringMap(2),
  userSpecifiedImage: string(18),
  runtimeHandler: string(19),
});
export type ImageSpec = Infer<typeof ImageSpec>;

export const MountPropagation = {
  PROPAGATION_PRIVATE: 0,
  PROPAGATION_HOST_TO_CONTAINER: 1,
  PROPAGATION_BIDIRECTIONAL: 2,
} as const;

export const Mount = message("runtime.v1.Mount", {
  containerPath: string(1),
  hostPath: string(2),
  readonly: bool(3),
  propagation: enumeration(5, MountPropagation),
  recursiveReadOnly: bool(8),
  image: embedded(9, () => ImageSpec),
});
export type Mount = Infer<typeof Mount>;
