import type { AnyMessage, Field, FieldType, Scalar } from "../schema/field.ts";

/** The two forms of OpenAPI that Kubernetes publishes: 3.0, and Swagger 2.0 for older clients. */
export type Dialect = "v3" | "v2";

export type Schema = Readonly<Record<string, unknown>>;

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const quantityName = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const intOrStringName = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

/** Scalars that OpenAPI knows as types with a name. */
const named: Partial<Record<Scalar, string>> = {
  time: `${meta}.Time`,
  microTime: `${meta}.MicroTime`,
  quantity: quantityName,
  intOrString: intOrStringName,
};

const plain: Partial<Record<Scalar, Schema>> = {
  string: { type: "string" },
  boolean: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
  json: { type: "object" },
};

/** Collects the schemas of messages and of everything they refer to. */
export class SchemaSet {
  readonly #dialect: Dialect;
  readonly #schemas = new Map<string, Schema>();

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** By full name, sorted. */
  get schemas(): Readonly<Record<string, Schema>> {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Adds a message if it is new, and returns a reference to it. */
  add(message: AnyMessage): Schema {
    const { fullName } = message;
    if (!this.#schemas.has(fullName)) {
      // A placeholder first: messages may refer to themselves.
      this.#schemas.set(fullName, {});
      this.#schemas.set(fullName, this.#messageSchema(message));
    }
    return this.#reference(fullName);
  }

  #reference(fullName: string): Schema {
    return { $ref: `#/${this.#dialect === "v3" ? "components/schemas" : "definitions"}/${fullName}` };
  }

  #messageSchema(message: AnyMessage): Schema {
    const required = Object.keys(message.fields).filter((name) => message.fields[name]?.required);
    const properties = Object.entries(message.fields).map(([name, field]) => [name, this.#fieldSchema(name, field)]);
    return {
      description: message.doc ?? "",
      type: "object",
      ...(required.length > 0 && { required }),
      properties: Object.fromEntries(properties),
      ...(message.atomic && { "x-kubernetes-map-type": "atomic" }),
      ...(message.gvk && { "x-kubernetes-group-version-kind": [message.gvk] }),
    };
  }

  #fieldSchema(name: string, field: Field): Schema {
    const schema = this.#typeSchema(field.type);
    const doc = field.doc ?? commonDocs[name];
    const extras: Record<string, unknown> = {
      ...(doc && { description: doc }),
      ...(field.default !== undefined && { default: field.default }),
      ...extensions(field),
    };
    if (Object.keys(extras).length === 0) return schema;
    // Next to a $ref nothing else counts in OpenAPI 3.0; wrapping the reference is the known way out.
    return "$ref" in schema && this.#dialect === "v3" ? { ...extras, allOf: [schema] } : { ...extras, ...schema };
  }

  #typeSchema(type: FieldType): Schema {
    switch (type.kind) {
      case "message":
        return this.add(type.message);
      case "list":
        return { type: "array", items: this.#typeSchema(type.items) };
      case "map":
        return { type: "object", additionalProperties: this.#typeSchema(type.values) };
      case "scalar":
        return this.#scalarSchema(type.scalar);
    }
  }

  #scalarSchema(scalar: Scalar): Schema {
    const fullName = named[scalar];
    if (fullName === undefined) return plain[scalar] ?? {};
    if (!this.#schemas.has(fullName)) this.#schemas.set(fullName, namedScalar(scalar, this.#dialect));
    return this.#reference(fullName);
  }
}

function namedScalar(scalar: Scalar, dialect: Dialect): Schema {
  if (scalar === "quantity") {
    const description = "A number with a unit suffix, such as 250m or 64Mi.";
    return dialect === "v3"
      ? { description, oneOf: [{ type: "string" }, { type: "number" }] }
      : { description, type: "string" };
  }
  if (scalar === "intOrString") {
    const description = "A number, or a text such as a percentage or the name of a port.";
    const format = "int-or-string";
    return dialect === "v3"
      ? { description, format, oneOf: [{ type: "integer" }, { type: "string" }] }
      : { description, format, type: "string" };
  }
  return { description: "An instant in RFC 3339.", type: "string", format: "date-time" };
}

/** What tells clients how lists and maps are merged. */
function extensions({ topology, patch, atomic }: Field): Record<string, unknown> {
  const strategies = [...(patch?.merge ? ["merge"] : []), ...(patch?.retainKeys ? ["retainKeys"] : [])];
  return {
    ...(topology && { "x-kubernetes-list-type": topology.kind }),
    ...(topology?.kind === "map" && { "x-kubernetes-list-map-keys": topology.keys }),
    ...(atomic && { "x-kubernetes-map-type": "atomic" }),
    ...(strategies.length > 0 && { "x-kubernetes-patch-strategy": strategies.join(",") }),
    ...(patch?.mergeKey && { "x-kubernetes-patch-merge-key": patch.mergeKey }),
  };
}

const commonDocs: Readonly<Record<string, string>> = {
  apiVersion: "Group and version of the object's kind.",
  kind: "What the object is.",
  metadata: "Name, labels, owners and versions of the object.",
  spec: "What is wanted.",
  status: "What was last seen.",
  items: "The objects.",
  selector: "Chooses objects by their labels.",
};
