import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { Failure } from "../../../base/mod.ts";
import { type BuiltImage, buildImage, type LayerEntry } from "./writer.ts";

export interface BusyboxOptions {
  /** Defaults to docker.io/library/busybox:latest. */
  readonly name?: string;
  /** A statically linked busybox; Debian's package busybox-static brings /bin/busybox. */
  readonly binary?: string;
}

/** A small image with a shell and the usual tools, made of one static program under its many names. Also works as a sandbox's `pause`. */
export function buildBusyboxImage(options: BusyboxOptions = {}): Promise<BuiltImage> {
  const binary = staticBusybox(options);
  const applets = execFileSync(binary, ["--list"], { encoding: "utf8" }).split("\n").filter(Boolean);
  const directory = (path: string, mode = 0o755): LayerEntry => ({ path, type: "directory", mode });
  const file = (path: string, content: string): LayerEntry => ({ path, type: "file", content });
  const entries: LayerEntry[] = [
    directory("bin"),
    { path: "bin/busybox", type: "file", content: readFileSync(binary), mode: 0o755 },
    ...applets
      .filter((name) => name !== "busybox")
      .map((name): LayerEntry => ({ path: `bin/${name}`, type: "link", target: "bin/busybox", mode: 0o755 })),
    directory("etc"),
    file(
      "etc/passwd",
      "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\n",
    ),
    file("etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\nstaff:x:50:www-data\n"),
    directory("home"),
    directory("root", 0o700),
    directory("tmp", 0o1777),
    directory("usr"),
    directory("usr/bin"),
    { path: "usr/bin/env", type: "link", target: "bin/busybox", mode: 0o755 },
    directory("var"),
    directory("var/www"),
  ];
  return buildImage({
    name: options.name ?? "docker.io/library/busybox:latest",
    layers: [{ entries }],
    config: { Cmd: ["sh"], Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] },
  });
}

/** The image of a sandbox's first process, which does nothing: as `registry.k8s.io/pause`, but made of busybox. */
export async function buildPauseImage(options: BusyboxOptions = {}): Promise<BuiltImage> {
  const binary = staticBusybox(options);
  return buildImage({
    name: options.name ?? "registry.k8s.io/pause:3.9",
    layers: [
      {
        entries: [
          { path: "bin", type: "directory" },
          { path: "bin/busybox", type: "file", content: readFileSync(binary), mode: 0o755 },
        ],
      },
    ],
    config: { Entrypoint: ["/bin/busybox", "sh", "-c", reap] },
  });
}

/** Sleeps for ever, ends when asked to, and takes in who lost their parent. */
const reap = "trap 'exit 0' TERM; while :; do /bin/busybox sleep 86400 & wait $!; done";

function staticBusybox({ binary }: BusyboxOptions): string {
  const found = binary ?? ["/bin/busybox", "/usr/bin/busybox"].find(existsSync);
  if (found !== undefined) return found;
  throw new Failure("BusyboxMissing", "there is no busybox on this machine", "Install Debian's package busybox-static");
}
