import { readlinkSync } from "node:fs";
import type { TerminalSize } from "../../../../streaming/mod.ts";
import { processTree } from "./procfs.ts";
import { quote, runAny } from "./spawn.ts";

/**
 * Terminals come from `script` (util-linux): Node cannot make any by itself, and this program is where a shim can hold it over a restart of the
 * kubelet. It runs inside, as the container's user, so that the terminal is the container's own; the command is its child, on the other end.
 */
export function onTerminal(options: {
  /** Environment of `script`: SHELL, and what it needs itself. */
  readonly env: readonly string[];
  /** Beginning of the command line that runs it. */
  readonly script: readonly string[];
  /** Prefix that gives the command an environment: `env -i`. */
  readonly become: readonly string[];
  /** The command's environment, and the command. */
  readonly words: readonly string[];
}): readonly string[] {
  const hasTerm = options.words.some((word) => word.startsWith("TERM="));
  const command = [...options.become, ...(hasTerm ? [] : ["TERM=xterm"]), ...options.words].map(quote).join(" ");
  return [
    ...options.env,
    ...options.script,
    ...["--quiet", "--return", "--echo", "always", "--command", command, "/dev/null"],
  ];
}

/** Sets the size of the terminal on which some descendant of a process is. False: there is none (yet). */
export async function resizeTerminal(root: number, { width, height }: TerminalSize): Promise<boolean> {
  const terminal = processTree(root).find((pid) => isOnTerminal(pid));
  if (terminal === undefined) return false;
  const size = ["rows", `${height}`, "cols", `${width}`];
  // By the process, not by the terminal's name: that is one of the container's file system.
  const { exitCode } = await runAny(["stty", "-F", `/proc/${terminal}/fd/0`, ...size]);
  return exitCode === 0;
}

function isOnTerminal(pid: number): boolean {
  try {
    return /^\/dev\/(pts\/|tty|console)/.test(readlinkSync(`/proc/${pid}/fd/0`));
  } catch {
    return false; // it ended meanwhile
  }
}
