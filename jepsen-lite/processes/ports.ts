import { createServer, type Server } from "node:net";
import { Failure } from "../../base/mod.ts";

/** Below those that the kernel gives to outgoing connections: a member that is down finds its own free when it comes back. */
const [lowest, highest] = [10_000, 19_999];
const given = new Set<number>();

/** Free ports of 127.0.0.1, different ones at each call. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; tries < 2000 && ports.length < count; tries++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  if (ports.length === count) return ports;
  throw new Failure("NoPorts", `no ${count} free ports from ${lowest} to ${highest}`, "End what listens there");
}

function isFree(port: number): Promise<boolean> {
  const server: Server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
