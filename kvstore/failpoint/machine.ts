import { writeSync } from "node:fs";
import { Failpoints } from "./failpoints.ts";

/**
 * The failpoints of this process, as the original has them: one set, however many members it runs. Nothing sets one but the
 * environment and the server that the environment asks for (`http.ts`).
 */
export const failpoints = new Failpoints({
  crash(name, why): never {
    const standardError = 2;
    writeSync(standardError, `panic: failpoint panic: ${why}\n\ngoroutine 1 [running]:\nfailpoint ${name}\n`);
    // By a signal that nothing can catch: an exit would first let the thread pool finish its writes, which a crash does not.
    process.kill(process.pid, "SIGKILL");
    throw new Error("unreachable: the process is gone");
  },
  print: (line) => process.stdout.write(`${line}\n`),
  after: (ms, fire) => void setTimeout(fire, ms),
  stop: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  random: { below: (below) => Math.floor(Math.random() * below) },
});
