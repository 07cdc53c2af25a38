const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** A span as kubectl shows ages: two units at most, and fewer digits the longer it is. */
export function humanDuration(milliseconds: number): string {
  // Clocks differ a little; only a span clearly below zero is nonsense.
  if (milliseconds <= -2000) return "<invalid>";
  if (milliseconds < 0) return "0s";
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 2 * minute) return `${seconds}s`;
  if (seconds < 10 * minute) return inUnits(seconds, minute, "m", 1, "s");
  if (seconds < 3 * hour) return `${Math.floor(seconds / minute)}m`;
  if (seconds < 8 * hour) return inUnits(seconds, hour, "h", minute, "m");
  if (seconds < 2 * day) return `${Math.floor(seconds / hour)}h`;
  if (seconds < 8 * day) return inUnits(seconds, day, "d", hour, "h");
  if (seconds < 2 * year) return `${Math.floor(seconds / day)}d`;
  if (seconds < 8 * year) return inUnits(seconds, year, "y", day, "d");
  return `${Math.floor(seconds / year)}y`;
}

function inUnits(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  const shown = `${Math.floor(seconds / large)}${largeName}`;
  return rest === 0 ? shown : `${shown}${rest}${smallName}`;
}
