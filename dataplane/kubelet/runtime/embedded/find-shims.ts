import { allProcesses, commandLine, isAlive } from "./procfs.ts";

/** Living shims by the id of their container, for containers below a directory. See shim.ts for their command lines. */
export function findShims(containersDir: string): Map<string, number> {
  const shims = new Map<string, number>();
  for (const pid of allProcesses()) {
    const argv = commandLine(pid).split("\0");
    const dir = argv.includes("flotilla-shim") ? argv[argv.indexOf("flotilla-shim") + 1] : shimFile(argv[1]);
    if (dir?.startsWith(`${containersDir}/`) !== true || !isAlive(pid, "")) continue;
    shims.set(dir.slice(containersDir.length + 1), pid);
  }
  return shims;
}

/** Before it becomes the launching shell, the shim runs from its script. */
function shimFile(argument: string | undefined): string | undefined {
  return argument?.endsWith("/shim.sh") === true ? argument.slice(0, -"/shim.sh".length) : undefined;
}
