// Usage: node scripts/busybox-image.ts OUT.tar
// Writes an OCI layout with the images `busybox`, `busybox:stable` and `registry.k8s.io/pause:3.9`, made of this machine's busybox-static.
import { buildBusyboxImage, buildPauseImage, writeLayout } from "../dataplane/kubelet/mod.ts";

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node scripts/busybox-image.ts OUT.tar");
  process.exit(2);
}
await writeLayout(file, [
  await buildBusyboxImage(),
  await buildBusyboxImage({ name: "docker.io/library/busybox:stable" }),
  await buildPauseImage(),
]);
