import { parseDocument } from "yaml";
import { status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { RawBody } from "./decode-body.ts";

/** YAML 1.2's core schema: what is JSON means the same, and `yes` and `on` are words. */
export function readYaml(text: string): RawBody {
  const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false });
  const wrong = document.errors[0];
  if (wrong !== undefined) fail(status.badRequest(`error converting YAML to JSON: yaml: ${wrong.message}`));
  // Aliases may unfold to far more than was sent; the library stops at a hundred.
  return { value: document.toJS({ maxAliasCount: 100 }), complaints: [] };
}
