/** Where a list goes on: at key suffix `start`, as of revision `rv` (-1: of now, for a list that outlived its revision). */
export interface ContinueToken {
  readonly rv: number;
  readonly start: string;
}

export function encodeContinue({ rv, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv, start })).toString("base64url");
}

/** undefined when the text is no token of ours. */
export function decodeContinue(text: string): ContinueToken | undefined {
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return undefined;
  }
  if (typeof token !== "object" || token === null) return undefined;
  const { v, rv, start } = token as Record<string, unknown>;
  if (v !== "meta.k8s.io/v1" || typeof rv !== "number" || !Number.isSafeInteger(rv)) return undefined;
  // A start that climbs out of the prefix would list other resources.
  if (typeof start !== "string" || start === "" || start.split("/").includes("..")) return undefined;
  return { rv, start };
}
