import { csi } from "../../../proto/mod.ts";
import { fromBase64, type SecretReference } from "../../api/mod.ts";
import type { Client } from "../../client/mod.ts";

/** What a Secret holds, as drivers take it. Read when it is needed and never kept. */
export async function readSecret(client: Client, reference: SecretReference | undefined, signal: AbortSignal) {
  if (reference?.name === undefined) return [];
  const { data = {} } = await client.secrets.get(reference.namespace, reference.name, { signal });
  const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(fromBase64(value)).toString("utf8")]);
  return csi.toEntries(Object.fromEntries(decoded));
}
