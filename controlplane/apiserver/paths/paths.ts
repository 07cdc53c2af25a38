import { status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { PathCall } from "../http/app.ts";
import { json, type Reply, text } from "../http/reply.ts";
import type { Discovery } from "./discovery.ts";
import { type HealthCheck, health } from "./health.ts";
import type { OpenApi } from "./openapi.ts";

export interface PathsOptions {
  readonly discovery: Discovery;
  readonly openApi: OpenApi;
  readonly checks: readonly HealthCheck[];
  readonly version: object;
  readonly metrics: () => string;
  readonly issuer: string;
  readonly jwks: () => object;
  readonly signingAlgorithms: readonly string[];
}

/** Answers every path that is no resource. */
export async function answerPath(options: PathsOptions, call: PathCall): Promise<Reply> {
  const { method, path, query, headers } = call;
  if (method !== "GET" && method !== "HEAD")
    fail(known(path) ? status.methodNotAllowedOnPath() : status.pathNotFound());
  const checked = await health(options.checks, path, query);
  if (checked !== undefined) return checked;
  if (path.startsWith("/openapi/")) return options.openApi.answer(path, query, headers) ?? fail(status.pathNotFound());
  switch (path.replace(/(.)\/$/, "$1")) {
    case "/version":
      return json(200, options.version);
    case "/metrics":
      return text(200, options.metrics());
    case "/openid/v1/jwks":
      return { ...json(200, options.jwks()), contentType: "application/jwk-set+json" };
    case "/.well-known/openid-configuration":
      return json(200, {
        issuer: options.issuer,
        jwks_uri: `${options.issuer}/openid/v1/jwks`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: options.signingAlgorithms,
      });
    case "/":
      return json(200, {
        paths: [
          ...["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz"],
          "/version",
        ],
      });
  }
  return options.discovery.answer(path, headers) ?? fail(status.pathNotFound());
}

const known = (path: string) => /^\/(api|apis|version|healthz|livez|readyz|metrics|openapi)(\/|$)/.test(path);
