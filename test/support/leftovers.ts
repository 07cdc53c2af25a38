import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";

/** Everything in the kernel that names one of the words: processes, mounts, network namespaces, interfaces, cgroups. */
export function leftovers(words: readonly string[]): string[] {
  const named = (text: string) => words.some((word) => text.includes(word));
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      if (named(command) || named(environment)) found.push(`process ${pid}: ${command}`);
    } catch {
      // Gone while we looked.
    }
  }
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n"))
    if (named(line)) found.push(`mount: ${line}`);
  if (existsSync("/run/netns")) {
    for (const name of readdirSync("/run/netns")) if (named(name)) found.push(`network namespace: ${name}`);
  }
  for (const device of readdirSync("/sys/class/net")) if (named(device)) found.push(`network device: ${device}`);
  for (const group of globSync("/sys/fs/cgroup/{*,*/*,*/*/*}")) if (named(group)) found.push(`cgroup: ${group}`);
  return found;
}
