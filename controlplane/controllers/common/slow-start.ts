/**
 * Calls `create` `count` times in batches of 1, 2, 4, …, and stops after the first batch with a failure: what fails once (a quota, a
 * webhook) would fail for all, and should not be asked a thousand times. Throws the first failure after telling `skipped` how many
 * were never tried.
 */
export async function slowStart(
  count: number,
  create: (index: number) => Promise<void>,
  skipped: (count: number) => void,
): Promise<void> {
  let done = 0;
  for (let batch = 1; done < count; batch *= 2) {
    const size = Math.min(batch, count - done);
    const outcomes = await Promise.allSettled(Array.from({ length: size }, (_, i) => create(done + i)));
    done += size;
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure === undefined) continue;
    skipped(count - done);
    throw failure.reason;
  }
}
