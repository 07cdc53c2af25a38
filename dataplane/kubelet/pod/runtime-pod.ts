import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ContainerStatus, LinuxContainerResources, PodSandboxStatus, RuntimeService } from "../runtime/cri.ts";
import { CriError } from "../runtime/cri.ts";
import { decodeEntry } from "../runtime/embedded/cri-log.ts";
import { annotations, labels, type PodRef } from "./pod-ref.ts";

/** A container as the runtime sees it, with what the kubelet wrote onto it. */
export interface RuntimeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly state: "created" | "running" | "exited" | "unknown";
  readonly image: string;
  readonly imageId: string;
  /** Of the part of the spec whose change needs a new container. */
  readonly hash: string;
  readonly restartCount: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly logPath: string;
  /** In force now; undefined: the engine does not tell. */
  readonly resources?: LinuxContainerResources;
}

/** All that the runtime has of one pod. */
export interface RuntimePod {
  readonly ref: PodRef;
  /** Newest first. */
  readonly sandboxes: readonly PodSandboxStatus[];
  /** Of all sandboxes, newest first. */
  readonly containers: readonly RuntimeContainer[];
}

/** The newest container of that name. */
export function findContainer(pod: RuntimePod, name: string): RuntimeContainer | undefined {
  return pod.containers.find((container) => container.name === name);
}

/** Reads a pod's state from the runtime. */
export async function readRuntimePod(runtime: RuntimeService, ref: PodRef): Promise<RuntimePod> {
  const selector = { labels: { [labels.podUid]: ref.uid } };
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandbox(selector),
    runtime.listContainers(selector),
  ]);
  const sandboxStatuses = await Promise.all(
    sandboxes.map((sandbox) => unlessGone(runtime.podSandboxStatus(sandbox.id))),
  );
  const statuses = await Promise.all(containers.map((container) => unlessGone(runtime.containerStatus(container.id))));
  return {
    ref,
    sandboxes: sandboxStatuses.filter((status) => status !== undefined).sort((a, b) => b.createdAtMs - a.createdAtMs),
    containers: statuses
      .filter((status) => status !== undefined)
      .map(toRuntimeContainer)
      .sort((a, b) => b.createdAtMs - a.createdAtMs || b.restartCount - a.restartCount),
  };
}

/** What was removed between listing and asking is not there. */
async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CriError && error.code === "NotFound") return undefined;
    throw error;
  }
}

const states = {
  CONTAINER_CREATED: "created",
  CONTAINER_RUNNING: "running",
  CONTAINER_EXITED: "exited",
  CONTAINER_UNKNOWN: "unknown",
} as const satisfies Record<ContainerStatus["state"], RuntimeContainer["state"]>;

function toRuntimeContainer(status: ContainerStatus): RuntimeContainer {
  const state = states[status.state];
  return {
    id: status.id,
    sandboxId: status.podSandboxId,
    name: status.metadata.name,
    state,
    image: status.image,
    imageId: status.imageRef,
    hash: status.annotations[annotations.hash] ?? "",
    restartCount: Number(status.annotations[annotations.restartCount] ?? status.metadata.attempt),
    createdAtMs: status.createdAtMs,
    startedAtMs: status.startedAtMs,
    finishedAtMs: status.finishedAtMs,
    exitCode: status.exitCode,
    reason: status.reason,
    message: state === "exited" ? terminationMessage(status) : status.message,
    logPath: status.logPath,
    ...(status.resources === undefined ? {} : { resources: status.resources }),
  };
}

/** Limits of the original: bytes of a message, and of one that falls back to the log. */
const maxMessageBytes = 4096;
const maxFallbackBytes = 2048;
const maxFallbackLines = 80;

/** What the container wrote for its survivors; with FallbackToLogsOnError the end of its log when it wrote nothing and failed. */
function terminationMessage(status: ContainerStatus): string {
  const file = status.annotations[annotations.terminationMessageFile];
  const written = file === undefined ? "" : tail(file, maxMessageBytes).toString("utf8");
  const failed = status.exitCode !== 0 || status.reason === "OOMKilled";
  if (written !== "" || !failed) return written || status.message;
  if (status.annotations[annotations.terminationMessagePolicy] !== "FallbackToLogsOnError") return status.message;
  const lines = tail(status.logPath, 8 * maxFallbackBytes)
    .toString("latin1")
    .split("\n")
    .slice(0, -1);
  const texts = lines.map((line) => decodeEntry(Buffer.from(line, "latin1"))?.text.toString("utf8") ?? "");
  return texts.slice(-maxFallbackLines).join("").slice(-maxFallbackBytes) || status.message;
}

function tail(file: string, bytes: number): Buffer {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(bytes, size));
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, size - buffer.length));
  } finally {
    closeSync(fd);
  }
}
