import { type Clock, pause } from "../../../../base/mod.ts";
import type { StandardStreams, TerminalSize } from "../../../../streaming/mod.ts";
import { resizeTerminal } from "./terminal.ts";

const againMs = 20;
/** A command that has no terminal after so many looks will not have one. */
const patience = 100;

/** Gives a terminal the size of the client's window, now and whenever it changes; the last size wins. Until `signal` fires. */
export function followSize(
  streams: StandardStreams,
  root: () => number | undefined,
  clock: Clock,
  signal: AbortSignal,
): void {
  let wanted: TerminalSize | undefined;
  let busy = false;
  const apply = async () => {
    if (busy) return;
    busy = true;
    for (let looks = 0; wanted !== undefined && looks < patience && !signal.aborted; looks++) {
      const size: TerminalSize = wanted;
      const pid = root();
      if (pid !== undefined && (await resizeTerminal(pid, size))) {
        if (wanted === size) wanted = undefined;
      } else await pause(clock, againMs);
    }
    busy = false;
  };
  streams.onResize((size) => {
    wanted = size;
    void apply();
  });
}
