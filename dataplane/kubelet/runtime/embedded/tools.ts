import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findProgram, findProgramIfThere } from "./find-program.ts";
import { quote, runAny } from "./spawn.ts";

/** Programs that work on in a container after its root has become the image's, which may hold no program at all. */
const programs = ["mount", "umount", "mkdir", "setpriv", "env", "script", "sh"] as const;
/** Taken along where the machine has them. */
const extras = ["perl"] as const;
export type Tool = (typeof programs)[number] | (typeof extras)[number];

/**
 * A directory with copies of a few programs of this machine, their libraries and the dynamic linker that joins them: wherever it is mounted,
 * they run, whatever lies around it. Where a driver mounts it in containers it is read-only, and all it holds is what any machine has.
 */
export class Tools {
  readonly dir: string;
  /** File name of the dynamic linker; undefined: the programs are static. */
  readonly #linker: string | undefined;

  private constructor(dir: string, linker: string | undefined) {
    this.dir = dir;
    this.#linker = linker;
  }

  /**
   * Makes the directory below `parent`, or finds it. `inside`: where containers will see it. Its name tells what it holds: after an upgrade of the machine there is another one, and
   * containers that run keep theirs.
   */
  static async prepare(parent: string, inside: string): Promise<Tools> {
    const files = new Map<string, string>();
    let linker: string | undefined;
    for (const program of [...programs, ...extras.filter(isInstalled)]) {
      const path = findProgram(program);
      files.set(program, path);
      // `libc.so.6 => /lib/libc.so.6 (0x…)`, and a line with a path alone for the dynamic linker. A static program is told with exit code 1.
      const { stdout } = await runAny(["ldd", path]);
      for (const line of stdout.toString().split("\n")) {
        const [, library, bare] = /=> (\/\S+)|^\s*(\/\S+) \(/.exec(line) ?? [];
        const file = library ?? bare;
        if (file === undefined) continue;
        if (bare !== undefined) linker = basename(bare);
        files.set(basename(file), file);
      }
    }
    const stamp = [...files].map(([name, path]) => {
      const { size, mtimeMs, ino } = statSync(path);
      return `${name} ${path} ${size} ${mtimeMs} ${ino}`;
    });
    const shell = terminalShell(inside, linker);
    const dir = join(
      parent,
      createHash("sha256")
        .update([...stamp, shell].join("\n"))
        .digest("hex")
        .slice(0, 16),
    );
    if (!existsSync(dir)) {
      const temporary = join(parent, "tmp");
      rmSync(temporary, { recursive: true, force: true });
      mkdirSync(temporary, { recursive: true, mode: 0o755 });
      for (const [name, path] of files) copyFileSync(path, join(temporary, name));
      writeFileSync(join(temporary, "terminal-shell"), shell, { mode: 0o755 });
      renameSync(temporary, dir);
    }
    return new Tools(dir, linker);
  }

  has(tool: Tool): boolean {
    return existsSync(join(this.dir, tool));
  }

  /** The beginning of a command line that runs a tool, when the directory is seen at `at`. */
  argv(tool: Tool, at = this.dir): readonly string[] {
    const program = join(at, tool);
    return this.#linker === undefined ? [program] : [join(at, this.#linker), "--library-path", at, program];
  }

  /** Environment for `script` in a container: the shell it starts, and where that shell finds its libraries. */
  terminalEnv(at: string): readonly string[] {
    return [`SHELL=${join(at, "terminal-shell")}`, ...(this.#linker === undefined ? [] : [`LD_LIBRARY_PATH=${at}`])];
  }

  /** The same as words of a shell. */
  words(tool: Tool, at = this.dir): string {
    return this.argv(tool, at).map(quote).join(" ");
  }
}

function isInstalled(program: Tool): boolean {
  return findProgramIfThere(program) !== undefined;
}

/**
 * What `script` runs its command with, as `terminal-shell -c COMMAND`: a container need not have a shell. A script may name only one program with one
 * argument as its interpreter: the linker, and the shell that the linker is to load.
 */
function terminalShell(inside: string, linker: string | undefined): string {
  const shell = join(inside, "sh");
  const interpreter = linker === undefined ? shell : `${join(inside, linker)} ${shell}`;
  return `#!${interpreter}\neval "exec $2"\n`;
}
