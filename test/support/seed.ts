/** What random tests begin with: FLOTILLA_SEED repeats a run, as the CI repeats that of a commit. */
export const seed = Number(process.env["FLOTILLA_SEED"] ?? Date.now() % 1_000_000);
