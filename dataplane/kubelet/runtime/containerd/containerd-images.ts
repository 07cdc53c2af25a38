import { existsSync } from "node:fs";
import { systemClock } from "../../../../controlplane/client/mod.ts";
import type { Image } from "../cri.ts";
import { run } from "../embedded/spawn.ts";
import { CriRuntime } from "../grpc/cri-runtime.ts";
import { containerdDirsOf } from "./containerd-dirs.ts";

/** The socket of a node's own containerd; undefined: the node has none that runs. */
export function nodeContainerdSocket(rootDir: string): string | undefined {
  const { socket } = containerdDirsOf(rootDir);
  return existsSync(socket) ? socket : undefined;
}

/** Loads an image archive (OCI layout or docker-save) into a running containerd, for its kubelet to see. Returns the names it gave. */
export async function importIntoContainerd(socket: string, file: string, name?: string): Promise<readonly string[]> {
  const ctr = ["ctr", "--address", socket, "--namespace", "k8s.io", "images"];
  const output = await run([...ctr, "import", "--all-platforms", file]);
  const names = [...output.toString().matchAll(/^unpacking (\S+) /gm)].map(([, found]) => found as string);
  const [only] = names;
  if (name === undefined || only === undefined) return names;
  await run([...ctr, "tag", "--force", only, name]);
  return [name];
}

/** The images a kubelet of this containerd sees. */
export function listContainerdImages(socket: string): Promise<readonly Image[]> {
  return withRuntime(socket, (runtime) => runtime.listImages());
}

/** False: it was not there. */
export function removeFromContainerd(socket: string, image: string): Promise<boolean> {
  return withRuntime(socket, async (runtime) => {
    if ((await runtime.imageStatus(image)) === undefined) return false;
    await runtime.removeImage(image);
    return true;
  });
}

async function withRuntime<T>(socket: string, body: (runtime: CriRuntime) => Promise<T>): Promise<T> {
  const runtime = await CriRuntime.connect({ endpoint: `unix://${socket}`, clock: systemClock, log: () => undefined });
  try {
    return await body(runtime);
  } finally {
    runtime.close();
  }
}
