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

/** Reads what another server wrote on the error stream of version 4. What is no Status is a failure in its own words. */
export function resultOf(text: string): CommandResult {
  const status = parse(text);
  if (status.status === "Success") return { kind: "exited", code: 0, message: "" };
  const message = typeof status.message === "string" ? status.message : text;
  const code = status.reason === "NonZeroExitCode" ? exitCodeOf(status.details) : undefined;
  if (code === undefined) return { kind: "failed", message };
  return { kind: "exited", code, message: message.replace(/^command terminated with non-zero exit code: /, "") };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): Fields {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return {}; // not JSON: an older server's sentence
  }
}

function exitCodeOf(details: unknown): number | undefined {
  const { causes } = fieldsOf(details);
  const cause = Array.isArray(causes) ? causes.map(fieldsOf).find(({ reason }) => reason === "ExitCode") : undefined;
  return /^\d+$/.test(String(cause?.message)) ? Number(cause?.message) : undefined;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
