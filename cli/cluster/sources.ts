import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { extname, join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

/** The rooms that make up the running program. */
export const sourcePattern = "{base,proto,raft,kvstore,streaming,controlplane,dataplane,jepsen-lite,cli}/**/*.ts";

export function isSource(file: string): boolean {
  return !/\.(test|testing|d)\.ts$/.test(file);
}

/** Changes whenever a source does. */
function fingerprint(): string {
  const hash = createHash("sha256").update(process.version);
  for (const file of globSync(sourcePattern, { cwd: root }).filter(isSource).sort()) {
    const { mtimeMs, size } = statSync(join(root, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Tells whether a process runs now whose command line has the name in it. */
function namesInCommands(): (name: string) => boolean {
  const commands = globSync("/proc/[0-9]*/cmdline").map((file) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return ""; // It has ended.
    }
  });
  return (name) => commands.some((command) => command.includes(name));
}

/**
 * The script to run components with. Node can run the sources as they stand, but what strips their types stays in memory, thirty
 * megabytes in each of a cluster's processes; so the processes run a copy as plain JavaScript, made anew when a source has
 * changed. A cluster that runs an older copy goes on with it: its processes are started again from there. Where it cannot be made (no place to write), they run the sources.
 */
export async function componentScript(): Promise<string> {
  const sources = join(root, "cli", `flotilla${extname(import.meta.filename)}`);
  if (extname(import.meta.filename) === ".js") return sources;
  const cache = join(root, "node_modules", ".cache", "flotilla");
  const compiled = join(cache, fingerprint());
  const script = join(compiled, "cli", "flotilla.js");
  if (existsSync(script)) return script;
  const draft = `${compiled}.${process.pid}`;
  try {
    mkdirSync(draft, { recursive: true });
    const build = join(root, "scripts", "build.ts");
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", build, draft], { stdio: "ignore" });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`the build exited with ${code}`);
    renameSync(draft, compiled);
    const isUsed = namesInCommands();
    const older = readdirSync(cache).filter((name) => !compiled.endsWith(name) && !name.includes(".") && !isUsed(name));
    const byAge = older.sort((a, b) => statSync(join(cache, a)).mtimeMs - statSync(join(cache, b)).mtimeMs);
    for (const name of byAge.slice(0, -3)) rmSync(join(cache, name), { recursive: true, force: true });
    return script;
  } catch {
    rmSync(draft, { recursive: true, force: true });
    return existsSync(script) ? script : sources;
  }
}
