import { seed } from "./seed.ts";

// fast-check draws a seed per property and tells it when one fails. With FLOTILLA_SEED all begin with that one.
if (process.env["FLOTILLA_SEED"] !== undefined) (await import("fast-check")).configureGlobal({ seed });
