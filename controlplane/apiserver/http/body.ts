import type { AnyRequest } from "./listener.ts";

export const MAX_BODY_BYTES = 3 * 1024 * 1024;

export type BodyResult =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly error: "TooLarge" | "Aborted" };

/** The whole body, or why not. Of a body that is too large no more is kept than was needed to see it. */
export function readBody(request: AnyRequest): Promise<BodyResult> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES)
    return Promise.resolve({ ok: false, error: "TooLarge" });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else resolve({ ok: false, error: "TooLarge" });
    });
    request.once("end", () => resolve({ ok: true, bytes: Buffer.concat(chunks) }));
    // "end" comes first when all went well; settling twice does nothing.
    request.once("close", () => resolve({ ok: false, error: "Aborted" }));
  });
}
