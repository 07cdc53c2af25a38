import type { Namespace } from "../types/core/namespace.ts";
import type { Node } from "../types/core/node.ts";
import { ageColumn, type Column, column, joined, nameColumn, none, wide } from "./column.ts";

const unknown = "<unknown>";

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  column("Status", "Whether it can run pods, and takes new ones.", ({ spec, status }) => {
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    const shown = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
    return spec.unschedulable ? `${shown},SchedulingDisabled` : shown;
  }),
  column("Roles", "What it is for, by its labels.", roles),
  ageColumn,
  column("Version", "Version of its kubelet.", ({ status }) => status?.nodeInfo?.kubeletVersion ?? ""),
  wide(column("Internal-IP", "Its address inside the cluster.", (node) => address(node, "InternalIP"))),
  wide(column("External-IP", "Its address outside the cluster.", (node) => address(node, "ExternalIP"))),
  wide(column("OS-Image", "Its operating system.", ({ status }) => status?.nodeInfo?.osImage || unknown)),
  wide(column("Kernel-Version", "Its kernel.", ({ status }) => status?.nodeInfo?.kernelVersion || unknown)),
  wide(
    column("Container-Runtime", "What runs its containers.", ({ status }) => {
      return status?.nodeInfo?.containerRuntimeVersion || unknown;
    }),
  ),
];

const rolePrefix = "node-role.kubernetes.io/";

function roles({ metadata }: Node): string {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix)) found.add(key.slice(rolePrefix.length));
    else if (key === "kubernetes.io/role") found.add(value);
  }
  found.delete("");
  return joined([...found].sort());
}

function address({ status }: Node, wanted: string): string {
  return status?.addresses?.find(({ type }) => type === wanted)?.address ?? none;
}

export const namespaceColumns: readonly Column<Namespace>[] = [
  nameColumn,
  column("Status", "Whether it is in use or going away.", ({ status }) => status?.phase ?? ""),
  ageColumn,
];
