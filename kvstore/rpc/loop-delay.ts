import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";

const resolutionMs = 5;

export interface LoopDelay {
  /** Longest time that the event loop did nothing but one thing, in seconds, since the last look. Zero at the first. */
  readonly longestSeconds: number;
  /** Longest pause of the garbage collector since the last look, in seconds; a part of the above. */
  readonly longestGcSeconds: number;
}

interface Monitor {
  look(): LoopDelay;
}

let monitor: Monitor | undefined;

/** How long clients had to wait because of what else this process did. Measured from the first look on: who does not ask does
 * not pay. All members in one process share the loop, and the looks. */
export function loopDelay(): LoopDelay {
  monitor ??= startMonitor();
  return monitor.look();
}

function startMonitor(): Monitor {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let longestGcMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestGcMs = Math.max(longestGcMs, duration);
  });
  observer.observe({ entryTypes: ["gc"] });
  return {
    look() {
      // What is recorded is the time from one timer to the next.
      const longestMs = delays.count === 0 ? 0 : Math.max(0, delays.max / 1e6 - resolutionMs);
      delays.reset();
      const seen = { longestSeconds: longestMs / 1000, longestGcSeconds: longestGcMs / 1000 };
      longestGcMs = 0;
      return seen;
    },
  };
}
