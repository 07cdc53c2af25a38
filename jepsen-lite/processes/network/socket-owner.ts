import { readdir, readFile, readlink } from "node:fs/promises";

/**
 * Which of these processes has the socket that is bound to `localPort` and connected to `remotePort` on 127.0.0.1, by what the kernel tells of sockets and
 * of open files (proc(5)). Works whatever is spoken, TLS too. Needs the same user, or root.
 */
export async function socketOwner(
  localPort: number,
  remotePort: number,
  pids: readonly number[],
): Promise<number | undefined> {
  const inode = inodeOf(await readFile("/proc/net/tcp", "utf8"), localPort, remotePort);
  if (inode === undefined) return undefined;
  const link = `socket:[${inode}]`;
  for (const pid of pids) if (await holds(pid, link)) return pid;
  return undefined;
}

/** From lines `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …`, addresses and ports in hexadecimal. */
export function inodeOf(table: string, localPort: number, remotePort: number): string | undefined {
  const [local, remote] = [hex(localPort), hex(remotePort)];
  for (const line of table.split("\n")) {
    const [, from, to, , , , , , , inode] = line.trim().split(/\s+/);
    if (from?.endsWith(local) && to?.endsWith(remote) && inode !== "0") return inode;
  }
  return undefined;
}

function hex(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

async function holds(pid: number, link: string): Promise<boolean> {
  const directory = `/proc/${pid}/fd`;
  // A process may end, and a file be closed, while it is looked at.
  const files = await readdir(directory).catch(() => []);
  for (const file of files) if ((await readlink(`${directory}/${file}`).catch(() => "")) === link) return true;
  return false;
}
