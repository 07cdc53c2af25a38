import { constants } from "node:os";
import { ImageError } from "../../images/image-error.ts";
import { type ProcessUser, resolveUser } from "../../images/image-user.ts";
import { type ContainerConfig, CriError, type PodSandboxConfig } from "../cri.ts";
import type { RunnableImage } from "./embedded-images.ts";

/** Image and container together, as the OCI says: a command replaces entrypoint and command, arguments only the command. */
export function resolveImage(
  config: ContainerConfig,
  sandbox: PodSandboxConfig,
  image: RunnableImage,
  user: ProcessUser,
): { argv: string[]; env: string[]; workingDir: string } {
  const { Entrypoint, Cmd, Env, WorkingDir } = image.config;
  const entrypoint = config.command.length > 0 ? config.command : (Entrypoint ?? []);
  const args = config.command.length > 0 || config.args.length > 0 ? config.args : (Cmd ?? []);
  const env = new Map<string, string>([["HOSTNAME", `HOSTNAME=${sandbox.hostname}`]]);
  for (const entry of Env ?? []) env.set(entry.split("=", 1)[0] as string, entry);
  if (!env.has("PATH")) env.set("PATH", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  if (!env.has("HOME")) env.set("HOME", `HOME=${user.home}`);
  for (const { key, value } of config.envs) env.set(key, `${key}=${value}`);
  return { argv: [...entrypoint, ...args], env: [...env.values()], workingDir: config.workingDir || WorkingDir || "/" };
}

/** Whom a container runs as: what it asks for, or else its image. Throws a CriError for one that nobody knows. */
export function userOf(config: ContainerConfig, image: RunnableImage): ProcessUser {
  const { runAsUser, runAsUsername, runAsGroup, supplementalGroups, supplementalGroupsPolicy } =
    config.linux.securityContext;
  const request = {
    imageUser: image.config.User ?? "",
    runAsUser,
    runAsUsername,
    runAsGroup,
    supplementalGroups,
    mergeGroups: supplementalGroupsPolicy !== "Strict",
  };
  try {
    return resolveUser(request, image.read("etc/passwd") ?? "", image.read("etc/group") ?? "");
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new CriError("Unknown", `failed to resolve the container's user: ${error.message}`, { cause: error });
  }
}

/** An image may name it with or without SIG, or by number. */
export function signalOf(text = ""): NodeJS.Signals {
  const byNumber = Object.entries(constants.signals).find(([, number]) => `${number}` === text)?.[0];
  const name = byNumber ?? (text.startsWith("SIG") ? text : `SIG${text}`);
  return name in constants.signals ? (name as NodeJS.Signals) : "SIGTERM";
}
