import { quote } from "./spawn.ts";

/**
 * The shim: a detached shell per container that outlives the kubelet. It holds the container's output FIFOs open for reading and
 * writing, so that nothing written is lost while nobody reads (up to the pipe's 64 KiB, then the container waits); it stores the exit code in a
 * file, because only a parent learns it; and it stays until the kubelet has acknowledged, because an unread FIFO dies with its last holder.
 *
 * Descriptor 1 is a pipe to the kubelet that started it: the container's script reports `ok` or `error TEXT` there just before it
 * becomes the command.
 *
 * The launching shell's first child is process 1 of the container where the prefix makes a PID namespace. After that child ended, the
 * shell cannot fork any more: only builtins follow.
 */
export function shimScript(options: {
  readonly dir: string;
  readonly exitFile: string;
  /** Prefix that enters the sandbox, e.g. nsenter … unshare --pid. */
  readonly enter: readonly string[];
  /** Prefix of the container's own shell, e.g. unshare --mount. */
  readonly isolate: readonly string[];
  /** Whether there is a FIFO `in` for standard input. It stays open until the shim is told, by SIGUSR1, that its only writer has ended. */
  readonly stdin: boolean;
}): string {
  const words = (prefix: readonly string[]) => prefix.map((word) => `${quote(word)} `).join("");
  const inner = [
    ...(options.stdin ? ["trap 'exec 6>&-; told=1' USR1"] : []),
    `${words(options.isolate)}/bin/sh run.sh 7>&1 >&3 2>&4 3>&- 4>&- 5>&- ${options.stdin ? "<in 6>&-" : "</dev/null"} &`,
    "echo $! > pid",
    "exec >/dev/null 2>&1",
    ...(options.stdin ? waitThroughSignals : ["wait $!", "code=$?"]),
    'echo $code > "$EXIT_FILE"',
    "read acknowledged <&5",
  ].join("\n");
  return [
    `cd ${quote(options.dir)} || exit 1`,
    `exec 3<>out 4<>err 5<>ack${options.stdin ? " 6<>in" : ""}`,
    `export EXIT_FILE=${quote(options.exitFile)}`,
    `exec ${words(options.enter)}/bin/sh -c ${quote(inner)} flotilla-shim ${quote(options.dir)}`,
    "",
  ].join("\n");
}

/**
 * The signal ends `wait` as well, with 128 and its number, whether the container is still there or has just ended: waiting again tells which. Afterwards
 * it must not end the wait for the kubelet.
 */
const waitThroughSignals = [
  'while told=; wait $!; code=$?; [ $code -eq 138 ] && [ "$told" ]; do :; done',
  "trap '' USR1",
];

/**
 * The lines that turn the container's shell into its command: directory, then exec. Reports on descriptor 7. What
 * the set-up printed on stderr lies in setup.err; the command gets the container's own stderr back from descriptor 8.
 */
export function becomeCommand(options: {
  readonly workingDir: string;
  readonly env: readonly string[];
  readonly argv: readonly string[];
  /** Prefix that drops privileges and ends in `env -i`, which takes the environment and the command. */
  readonly become: readonly string[];
  /** Puts the command, with its environment before it, on a terminal. */
  readonly onTerminal?: (words: readonly string[]) => readonly string[];
}): string {
  const [command, ...args] = options.argv as [string, ...string[]];
  const path = options.env.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  const lines = [
    `cd ${quote(options.workingDir)} || fail ${quote(`cannot enter working directory ${options.workingDir}`)}`,
  ];
  if (command.includes("/")) {
    const missing = `exec: "${command}": stat ${command}: no such file or directory`;
    lines.push(`[ -e ${quote(command)} ] || fail ${quote(missing)}`);
    lines.push(
      `[ -x ${quote(command)} ] && [ ! -d ${quote(command)} ] || fail ${quote(`exec: "${command}": permission denied`)}`,
    );
  } else {
    const missing = `exec: "${command}": executable file not found in $PATH`;
    // Not `command -v`: that knows the shell's own commands, which the container may not have.
    const programs = path.split(":").map((dir) => quote(`${dir || "."}/${command}`));
    const found = programs.map((program) => `{ [ -x ${program} ] && [ ! -d ${program} ]; }`).join(" || ");
    lines.push(`${found} || fail ${quote(missing)}`);
  }
  const own = [...options.env, command, ...args];
  const words = ["exec", ...options.become, ...(options.onTerminal?.(own) ?? own)];
  lines.push("echo ok >&7", "exec 2>&8 8>&- 7>&-", words.map(quote).join(" "), "");
  return lines.join("\n");
}

/** Opens every container script: see becomeCommand. */
export const scriptPreamble = `exec 8>&2 2>setup.err
fail() { echo "error $1" >&7; exit 128; }
`;
