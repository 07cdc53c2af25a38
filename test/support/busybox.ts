import { join } from "node:path";
import { buildBusyboxImage, writeLayout } from "../../dataplane/kubelet/mod.ts";
import type { TestCluster } from "./cluster.ts";

/** Brings an image `busybox:1`, made of this machine's busybox, to all nodes of a running cluster. */
export async function loadBusybox(cluster: TestCluster): Promise<void> {
  const file = join(cluster.scratch, "busybox.tar");
  await writeLayout(file, [await buildBusyboxImage({ name: "docker.io/library/busybox:1" })]);
  await cluster.flotilla("image", "load", file);
}
