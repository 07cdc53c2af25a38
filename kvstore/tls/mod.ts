export { dialTls } from "./dial.ts";
export { type PemFiles, watchedPems } from "./files.ts";
export { createTlsListener, type TlsListenerEvents } from "./listener.ts";
export type { Pems, TlsOptions } from "./options.ts";

/** As `revocations.ts` says, which takes a library that only those load who give a list. */
export async function watchedRevocations(path: string): Promise<() => ReadonlySet<string>> {
  const { watchedRevocations: watched } = await import("./revocations.ts");
  return watched(path);
}
