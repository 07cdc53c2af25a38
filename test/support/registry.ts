import { spawn } from "node:child_process";
import type { Server } from "node:net";
import { TestRegistry, type TestRegistryOptions } from "../../dataplane/kubelet/images/registry/registry.testing.ts";

/** A registry of this process that listens inside another network namespace: a helper opens the socket there and hands it over. */
export async function registryIn(namespace: string, options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const program = `const s = require("node:net").createServer().listen(0, "127.0.0.1", () => process.send("socket", s, () => process.exit()))`;
  const helper = spawn("nsenter", [`--net=${namespace}`, process.execPath, "-e", program], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  helper.once("message", (_message, socket) => resolve(socket as Server));
  helper.once("exit", (code) => reject(new Error(`the helper ended with ${code}`)));
  return new TestRegistry(options).start(await promise);
}
