import { type Anomaly, checker } from "../verdict.ts";

export interface OutputOptions {
  /** What each process wrote, by its name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Lines that are as they should be, for example of a crash that a failpoint made. */
  readonly expected?: readonly RegExp[];
}

const alarming = [
  /\bpanic\b/i,
  /InvariantViolation/,
  /Assertion(Error| failed)/,
  /\buncaught\b/i,
  /unhandled ?rejection/i,
  /\bfatal\b/i,
  /segmentation fault|SIGSEGV|SIGABRT|SIGBUS/i,
  /heap out of memory/i,
  /data race/i,
];

/** No process panicked, broke an invariant of its own, or died of a signal that nobody sent. */
export const panics = checker<OutputOptions>("panics", (_history, { outputs, expected = [] }) => {
  const anomalies: Anomaly[] = [];
  let lines = 0;
  for (const [name, output] of Object.entries(outputs)) {
    let number = 0;
    for (const line of output.split("\n")) {
      number++;
      if (line !== "") lines++;
      if (!alarming.some((pattern) => pattern.test(line)) || expected.some((pattern) => pattern.test(line))) continue;
      anomalies.push({ kind: "panic", explanation: `${name}, line ${number}: ${line.slice(0, 400)}`, operations: [] });
    }
  }
  return { anomalies, judged: lines, of: "lines of output" };
});
