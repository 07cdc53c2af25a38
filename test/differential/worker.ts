// One of the processes that `npm run differential` starts: what it is to do comes as its first message, how far it is goes back all the time.
import { profiles } from "./profiles.ts";
import { emptyReport } from "./report.ts";
import { differential } from "./run.ts";

/** The rest of `Options` stands for itself. */
export interface Task {
  readonly profiles: readonly string[];
  readonly operations: number;
  readonly seed: number;
  readonly path?: string;
  readonly firstPort: number;
  readonly shrinkMs: number;
}

const reportEveryMs = 2000;

const interrupt = new AbortController();
const stop = () => interrupt.abort();
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
process.on("disconnect", stop);
process.once("message", async (task: Task) => {
  const report = emptyReport();
  const tell = () => process.send?.(report);
  const timer = setInterval(tell, reportEveryMs);
  const chosen = profiles.filter(({ name }) => task.profiles.includes(name));
  await differential({ ...task, profiles: chosen, signal: interrupt.signal }, report);
  clearInterval(timer);
  if (!process.connected) process.exit();
  process.send?.(report, () => process.exit());
});
