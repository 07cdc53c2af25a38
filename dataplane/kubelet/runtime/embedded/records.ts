import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessUser } from "../../images/image-user.ts";
import type { ContainerConfig, PodSandboxConfig } from "../cri.ts";
import type { RootSource } from "./embedded-images.ts";

/** What the runtime knows of a sandbox, as it lies on disk. */
export interface SandboxRecord {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdAtMs: number;
  readonly ip: string | undefined;
  readonly stopped: boolean;
  /** The node's network namespace it was wired to; a sandbox of another one is dead. */
  readonly nodeNamespace: string;
}

/** What the runtime knows of a container, as it lies on disk. */
export interface ContainerRecord {
  readonly id: string;
  readonly podSandboxId: string;
  readonly config: ContainerConfig;
  readonly createdAtMs: number;
  readonly imageRef: string;
  readonly root: RootSource;
  /** Of the images it mounts as volumes, by the names its mounts use. */
  readonly volumeRoots?: Readonly<Record<string, RootSource>>;
  readonly user: ProcessUser;
  /** First process of the container whose processes this one sees. */
  readonly targetPid?: number;
  /** With which it is asked to end. */
  readonly stopSignal: NodeJS.Signals;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly logFile: string;
  readonly cgroup: string;
  readonly state: "created" | "running" | "exited";
  /** First process, as the node sees it, with its start in clock ticks since boot: numbers are reused, pairs are not. */
  readonly pid: number;
  readonly pidStart: string;
  /** Its mount namespace, as /proc names it: who is in it belongs to the container, also where the pod shares its processes. */
  readonly mountNamespace: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
}

const recordFile = "record.json";

/** Replaces the record of a directory in one step: a crash leaves the old one or the new one. */
export function saveRecord(dir: string, record: SandboxRecord | ContainerRecord): void {
  const temporary = join(dir, `${recordFile}.tmp`);
  writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
  renameSync(temporary, join(dir, recordFile));
}

/** All records below `parent`; a directory without a whole record was never announced to anybody and is returned as litter. */
export function loadRecords<T>(parent: string): { records: T[]; litter: string[] } {
  mkdirSync(parent, { recursive: true });
  const records: T[] = [];
  const litter: string[] = [];
  for (const name of readdirSync(parent)) {
    try {
      records.push(JSON.parse(readFileSync(join(parent, name, recordFile), "utf8")) as T);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
      litter.push(name);
    }
  }
  return { records, litter };
}
