/** In what form an object goes out. */
export type Form =
  | { readonly as: "object" }
  | { readonly as: "Table"; readonly includeObject: IncludeObject; readonly version: string }
  | { readonly as: "PartialObjectMetadata" };

export type IncludeObject = "None" | "Metadata" | "Object";

export interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** Media ranges of an Accept header, the most wanted first. */
export function parseAccept(header: string | undefined): MediaRange[] {
  const ranges = (header || "*/*").split(",").map(parseRange);
  // Sorting is stable: among equals the order of the header counts.
  return ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
}

function parseRange(text: string): MediaRange {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const [name = "", value = ""] = parameter.split("=", 2);
    parameters.set(name.trim().toLowerCase(), value.trim());
  }
  const quality = Number(parameters.get("q") ?? "1");
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

export type Encoding = "json" | "yaml";

const encodings: Readonly<Record<string, Encoding>> = {
  "application/json": "json",
  "application/*": "json",
  "*/*": "json",
  "application/yaml": "yaml",
};

export const acceptedTypes = ["application/json", "application/yaml"] as const;

/**
 * The first form of the Accept list that can be served. Protobuf is not, and clients that prefer it name JSON next.
 * undefined: nothing on the list can be served (406).
 */
export function negotiate(
  accept: string | undefined,
  includeObject: string | null,
): { readonly form: Form; readonly encoding: Encoding } | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    const encoding = encodings[type];
    if (encoding === undefined) continue;
    const as = parameters.get("as");
    if (as === undefined) return { form: { as: "object" }, encoding };
    if (parameters.get("g") !== "meta.k8s.io") continue;
    const version = parameters.get("v") ?? "";
    if (version !== "v1" && version !== "v1beta1") continue;
    if (as === "Table") return { form: { as, includeObject: tableObject(includeObject), version }, encoding };
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
      return { form: { as: "PartialObjectMetadata" }, encoding };
  }
  return undefined;
}

function tableObject(asked: string | null): IncludeObject {
  return asked === "None" || asked === "Object" ? asked : "Metadata";
}
