import type { CommandResult } from "./streams.ts";

/** The Status on the error stream, from version 4 of the protocol on: how `kubectl exec` learns an exit code. */
export function statusOf(result: CommandResult): object {
  const common = { kind: "Status", apiVersion: "v1", metadata: {} };
  if (result.kind === "failed") {
    const message = `Internal error occurred: ${result.message}`;
    const details = { causes: [{ message: result.message }] };
    return { ...common, status: "Failure", message, reason: "InternalError", details, code: 500 };
  }
  if (result.code === 0) return { ...common, status: "Success" };
  return {
    ...common,
    status: "Failure",
    message: `command terminated with non-zero exit code: ${result.message}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: `${result.code}` }] },
  };
}

/** What earlier versions write instead: nothing, or a sentence. */
export function sentenceOf(result: CommandResult): string {
  if (result.kind === "failed") return result.message;
  return result.code === 0 ? "" : `command terminated with non-zero exit code: ${result.message}`;
}

/** Reads what another server wrote on the error stream of version 4. */
export function resultOf(text: string): CommandResult {
  let parsed: { status?: unknown; message?: unknown; reason?: unknown; details?: { causes?: unknown } };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    // Not JSON: an older server's sentence.
    return { kind: "failed", message: text };
  }
  if (parsed.status === "Success") return { kind: "exited", code: 0, message: "" };
  const message = typeof parsed.message === "string" ? parsed.message : text;
  if (parsed.reason !== "NonZeroExitCode") return { kind: "failed", message };
  const causes = (parsed.details?.causes ?? []) as readonly { reason?: unknown; message?: unknown }[];
  const code = Number(causes.find(({ reason }) => reason === "ExitCode")?.message);
  if (!Number.isInteger(code)) return { kind: "failed", message };
  return { kind: "exited", code, message: message.replace(/^command terminated with non-zero exit code: /, "") };
}
