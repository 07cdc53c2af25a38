export { Bucket } from "./bucket.ts";
export { check } from "./check.ts";
export { Database } from "./database.ts";
export type { Layout, Record, WriteOptions } from "./layout.ts";
export type { Entry } from "./page.ts";
export type { RandomAccess } from "./pages.ts";
export { fileBytes, measure, type RecordRuns, write } from "./write.ts";
