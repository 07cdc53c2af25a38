import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ContainerdDirs } from "./containerd-dirs.ts";

export interface ContainerdConfigOptions {
  readonly dirs: ContainerdDirs;
  readonly sandboxImage: string;
  /** OCI runtime that containerd's shim calls: a program's path. */
  readonly ociRuntime: string;
  /** Without root: no control groups. */
  readonly disableCgroup: boolean;
  /** Hosts reached by plain HTTP, with their port. */
  readonly insecureRegistries: readonly string[];
}

/** Text of containerd's configuration, for 1.6 and 1.7. Nothing of it reaches beyond the node's directory. */
export function containerdConfig(options: ContainerdConfigOptions): string {
  const { dirs } = options;
  const q = JSON.stringify; // TOML's basic strings are JSON's, for paths
  const cri = '[plugins."io.containerd.grpc.v1.cri"';
  const registries = options.insecureRegistries.flatMap((host) => [
    `${cri}.registry.mirrors.${q(host)}]`,
    `  endpoint = [${q(`http://${host}`)}]`,
  ]);
  return [
    "version = 2",
    `root = ${q(dirs.root)}`,
    `state = ${q(dirs.state)}`,
    'disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]',
    "[grpc]",
    `  address = ${q(dirs.socket)}`,
    "[ttrpc]",
    `  address = ${q(`${dirs.socket}.ttrpc`)}`,
    `${cri}]`,
    `  sandbox_image = ${q(options.sandboxImage)}`,
    // Even root may lack CAP_SYS_RESOURCE; the sandbox would not start for want of a lower score.
    "  restrict_oom_score_adj = true",
    "  disable_apparmor = true",
    `  disable_cgroup = ${options.disableCgroup}`,
    '  stream_server_address = "127.0.0.1"',
    '  stream_server_port = "0"',
    "  netns_mounts_under_state_dir = true",
    `${cri}.cni]`,
    `  bin_dir = ${q(cniBinDir())}`,
    `  conf_dir = ${q(dirs.cniConfig)}`,
    `  conf_template = ${q(join(dirs.base, "cni.template"))}`,
    `${cri}.containerd]`,
    '  snapshotter = "overlayfs"',
    '  default_runtime_name = "oci"',
    `${cri}.containerd.runtimes.oci]`,
    '  runtime_type = "io.containerd.runc.v2"',
    `${cri}.containerd.runtimes.oci.options]`,
    `  BinaryName = ${q(options.ociRuntime)}`,
    `  Root = ${q(join(dirs.state, "runc"))}`,
    "  SystemdCgroup = false",
    ...registries,
    "",
  ].join("\n");
}

/** What cniConfig and containerd itself call. */
export const networkPlugins = ["ptp", "host-local", "loopback"] as const;

/** Debian's place for the plugins, and everybody else's. */
export function cniBinDir(): string {
  return ["/usr/lib/cni", "/opt/cni/bin"].find(existsSync) ?? "/opt/cni/bin";
}

/**
 * The pods' network: a routed pair of interfaces per pod, as the embedded engine makes them; no bridge. `subnet` may be containerd's placeholder, which it
 * fills in when the kubelet tells it the node's range.
 */
export function cniConfig(dirs: ContainerdDirs, subnet: string): string {
  const ipam = {
    type: "host-local",
    dataDir: dirs.cniData,
    ranges: [[{ subnet }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  return JSON.stringify({ cniVersion: "0.4.0", name: dirs.network, plugins: [{ type: "ptp", mtu: 1500, ipam }] });
}
