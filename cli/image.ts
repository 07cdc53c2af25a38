import { existsSync } from "node:fs";
import { basename } from "node:path";
import { Failure } from "../base/mod.ts";
import {
  imageStoreOf,
  importImages,
  importIntoContainerd,
  listContainerdImages,
  nodeContainerdSocket,
  removeFromContainerd,
} from "../dataplane/kubelet/mod.ts";
import { requireCluster } from "./cluster/control.ts";
import { clusterParser, parser } from "./flags.ts";
import { say, step, table } from "./output.ts";

interface ImageFlags {
  name: string;
  dataDir?: string;
  node: string[];
  output?: "json";
}

/** What the commands tell of one image on one node. */
interface NodeImage {
  readonly node: string;
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly sizeBytes: number;
}

const subcommands: Readonly<Record<string, (args: string[]) => Promise<void>>> = { load, list, rm };

/** `flotilla image load|list|rm`: the images on a cluster's nodes; those of the embedded engine also while the cluster is stopped. */
export async function main(args: string[]): Promise<void> {
  // Flags may come before it, as after it.
  const at = args.findIndex((word) => word in subcommands);
  const subcommand = subcommands[args[at] ?? ""];
  if (subcommand !== undefined) return subcommand(args.toSpliced(at, 1));
  const help = parser("image", "Loads, lists and removes images of a cluster's nodes.");
  help.command("load <file>").description("bring the images of an OCI layout or a docker-save archive to the nodes");
  help.command("list").description("the images on the nodes");
  help.command("rm <image>").description("take an image off the nodes");
  await help.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
}

function imageParser(name: string, summary: string) {
  return clusterParser(`image ${name}`, summary)
    .option("--node <node...>", "only on these nodes", [])
    .option("-o, --output <format>", "json: for programs")
    .allowExcessArguments(false);
}

/** The nodes that are meant: their names and root directories. */
function nodesOf(flags: ImageFlags): { name: string; rootDir: string }[] {
  const { layout, config } = requireCluster(flags.name, flags.dataDir);
  const sleeps = config.nodes.find(({ name }) => nodeContainerdSocket(layout.nodeDir(name)) === undefined);
  if (config.runtime === "containerd" && sleeps !== undefined)
    throw new Failure(
      "ContainerdStopped",
      `containerd of ${sleeps.name} does not run, and only it can tell of its images`,
      `\`flotilla start --name ${config.name}\` starts it`,
    );
  const all = config.nodes.map(({ name }) => name);
  const stranger = flags.node.find((name) => !all.includes(name));
  if (stranger !== undefined)
    throw new Failure("UnknownNode", `there is no node "${stranger}"`, `There are ${all.join(", ")}`);
  return all
    .filter((name) => flags.node.length === 0 || flags.node.includes(name))
    .map((name) => ({ name, rootDir: layout.nodeDir(name) }));
}

async function load(args: string[]): Promise<void> {
  const command = imageParser(
    "load",
    "Brings the images of a file to the nodes: an OCI image layout (tar or directory), or what `docker save` writes.",
  )
    .argument("<file>")
    .option("--tag <name>", "the image's name, when the file holds one image and does not say it")
    .parse(args, { from: "user" });
  const flags = command.opts<ImageFlags & { tag?: string }>();
  const [file] = command.args as [string];
  if (!existsSync(file)) throw new Failure("FileMissing", `there is no file ${file}`, "Look at the path");
  const loaded: NodeImage[] = [];
  for (const { name: node, rootDir } of nodesOf(flags)) {
    const startedMs = performance.now();
    const images = await loadOn(rootDir, file, flags.tag, progressOf(node, file));
    loaded.push(...images.map((image) => ({ node, ...image })));
    if (flags.output !== "json")
      step("done", node, images.flatMap(({ repoTags }) => repoTags).join(", "), performance.now() - startedMs);
  }
  if (flags.output === "json") say(JSON.stringify({ images: loaded }, null, 2));
}

async function loadOn(
  rootDir: string,
  file: string,
  name: string | undefined,
  onProgress?: (done: number, total: number) => void,
): Promise<Omit<NodeImage, "node">[]> {
  const socket = nodeContainerdSocket(rootDir);
  try {
    if (socket === undefined) {
      const images = await importImages(imageStoreOf(rootDir), file, { nowMs: Date.now(), name, onProgress });
      return images.map(({ id, repoTags, repoDigests, sizeBytes }) => ({ id, repoTags, repoDigests, sizeBytes }));
    }
    const names = await importIntoContainerd(socket, file, name);
    return (await listContainerdImages(socket)).filter(({ repoTags }) => repoTags.some((tag) => names.includes(tag)));
  } catch (error) {
    if (error instanceof Failure) throw error;
    const advice = "`flotilla image load --help` says which files are understood";
    throw new Failure("ImageUnusable", `cannot load ${file}: ${(error as Error).message}`, advice, error);
  }
}

/** A line on a terminal that is written over and over; nothing elsewhere. */
function progressOf(node: string, file: string): ((done: number, total: number) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  let shown = -1;
  return (done, total) => {
    const percent = total === 0 ? 100 : Math.floor((done * 100) / total);
    if (percent === shown) return;
    shown = percent;
    process.stderr.write(percent === 100 ? "\r\u001b[K" : `\r  ${node}: ${basename(file)} ${percent} %`);
  };
}

async function list(args: string[]): Promise<void> {
  const flags = imageParser("list", "Lists the images on the nodes.").parse(args, { from: "user" }).opts<ImageFlags>();
  const images: NodeImage[] = [];
  for (const { name: node, rootDir } of nodesOf(flags)) {
    const socket = nodeContainerdSocket(rootDir);
    const found = socket === undefined ? imageStoreOf(rootDir).list() : await listContainerdImages(socket);
    images.push(
      ...found.map(({ id, repoTags, repoDigests, sizeBytes }) => ({ node, id, repoTags, repoDigests, sizeBytes })),
    );
  }
  if (flags.output === "json") {
    say(JSON.stringify({ images }, null, 2));
    return;
  }
  const rows = images.flatMap(({ node, id, repoTags, repoDigests, sizeBytes }) =>
    (repoTags.length > 0 ? repoTags : repoDigests).map((name) => [node, name, id.slice(7, 19), megabytes(sizeBytes)]),
  );
  table(["NODE", "IMAGE", "ID", "SIZE"], rows);
}

async function rm(args: string[]): Promise<void> {
  const command = imageParser("rm", "Takes an image off the nodes. Containers that run it go on.")
    .argument("<image>")
    .parse(args, { from: "user" });
  const flags = command.opts<ImageFlags>();
  const [image] = command.args as [string];
  const removed: string[] = [];
  for (const { name: node, rootDir } of nodesOf(flags)) {
    const socket = nodeContainerdSocket(rootDir);
    if (socket === undefined ? !(await removeFromStore(rootDir, image)) : !(await removeFromContainerd(socket, image)))
      continue;
    removed.push(node);
    if (flags.output !== "json") step("done", node, image);
  }
  if (removed.length === 0)
    throw new Failure("ImageUnknown", `no node has the image ${image}`, "`flotilla image list` shows which there are");
  if (flags.output === "json") say(JSON.stringify({ image, nodes: removed }));
}

/** The name goes now; the bytes go with it, or later when the node is just adding some. Its layers are the node's to remove. */
async function removeFromStore(rootDir: string, image: string): Promise<boolean> {
  const store = imageStoreOf(rootDir);
  const removed = store.remove(image);
  if (removed) await store.sweep();
  return removed;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)}MB`;
}

if (import.meta.main) await main(process.argv.slice(2));
