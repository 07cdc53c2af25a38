import { request } from "node:https";
import type { Target, Verdict } from "./balancer.ts";

/**
 * A check for API servers: GET /readyz, verified against `ca` for the name `serverName`. An answer other than 200 means that the server asks for
 * no new connections (it starts, or shuts down gracefully); no answer within `timeoutMs` rejects.
 */
export function apiServerReadiness(ca: string | Buffer, serverName: string, timeoutMs = 2_000) {
  return (target: Target, signal: AbortSignal): Promise<Verdict> =>
    new Promise((resolve, reject) => {
      const where = "path" in target.at ? { socketPath: target.at.path } : target.at;
      const query = request(
        {
          ...where,
          path: "/readyz",
          ca,
          servername: serverName,
          headers: { host: serverName },
          agent: false,
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        },
        (response) => {
          response.resume();
          response.on("error", reject);
          response.on("end", () => resolve(response.statusCode === 200 ? "serving" : "draining"));
        },
      );
      query.on("error", reject);
      query.end();
    });
}
