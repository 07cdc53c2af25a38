const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of a `grpc-timeout`, or undefined if it is not one. */
export function parseTimeout(text: string): number | undefined {
  const unit = unitMs[text.slice(-1)];
  const digits = text.slice(0, -1);
  return unit !== undefined && /^\d{1,8}$/.test(digits) ? Number(digits) * unit : undefined;
}

/** At most eight digits: the finest unit from milliseconds up that can hold it, rounded up. */
export function formatTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole < 1e8) return `${whole}m`;
  return whole < 1e11 ? `${Math.ceil(whole / 1000)}S` : `${Math.min(99_999_999, Math.ceil(whole / 3_600_000))}H`;
}
