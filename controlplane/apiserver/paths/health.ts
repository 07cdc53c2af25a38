import { type Reply, text } from "../http/reply.ts";

/** One thing to ask before calling the server healthy. Resolves when it is, rejects with why it is not. */
export interface HealthCheck {
  readonly name: string;
  /** Checked by /readyz alone: not being ready is no reason to be restarted. */
  readonly readyOnly?: boolean;
  check(): Promise<void>;
}

const endpoints = ["healthz", "livez", "readyz"] as const;

/** /healthz, /livez and /readyz, each with ?verbose, ?exclude=NAME and /NAME. undefined: another path. */
export async function health(
  checks: readonly HealthCheck[],
  path: string,
  query: URLSearchParams,
): Promise<Reply | undefined> {
  const [endpoint = "", ...rest] = path.split("/").filter(Boolean);
  if (!endpoints.some((name) => name === endpoint)) return undefined;
  const wanted = checks.filter(({ readyOnly }) => endpoint === "readyz" || !readyOnly);
  if (rest.length > 0) {
    const one = wanted.find(({ name }) => name === rest.join("/"));
    if (one === undefined) return undefined;
    const failure = await run(one);
    return failure === undefined ? text(200, "ok") : text(500, `internal server error: ${failure}\n`);
  }
  const excluded = new Set(query.getAll("exclude"));
  const lines: string[] = [];
  let failed = false;
  for (const check of wanted) {
    if (excluded.has(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const failure = await run(check);
    failed ||= failure !== undefined;
    lines.push(failure === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: ${failure}`);
  }
  if (failed) return text(500, `${lines.join("\n")}\n${endpoint} check failed\n`);
  return text(200, query.has("verbose") ? `${lines.join("\n")}\n${endpoint} check passed\n` : "ok");
}

async function run(check: HealthCheck): Promise<string | undefined> {
  try {
    await check.check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
