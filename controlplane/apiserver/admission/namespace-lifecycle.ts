import { status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { type AdmissionPlugin, isAbout, refuse } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

const immortal = new Set(["default", "kube-system", "kube-public"]);

/** Objects are created in namespaces that exist and are not on their way out; three namespaces never go. */
export function namespaceLifecycle(objects: ObjectReader): AdmissionPlugin {
  return {
    name: "NamespaceLifecycle",
    async admit(request) {
      const { operation, name } = request;
      if (operation === "DELETE" && isAbout(request, "namespaces") && immortal.has(name))
        refuse(request, "this namespace may not be deleted");
      if (operation === "CREATE") await requireNamespace(objects, request);
    },
  };
}

async function requireNamespace(objects: ObjectReader, { served, name, namespace }: AdmissionRequest): Promise<void> {
  if (!served.resource.namespaced || namespace === "") return;
  const found = await objects.get("namespaces", "", namespace);
  if (found === undefined) fail(status.notFound({ group: "", resource: "namespaces" }, namespace));
  if (found.status?.phase !== "Terminating" && found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const refused = status.forbidden(served.names, name, why);
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  fail({ ...refused, details: { ...refused.details, causes: [cause] } });
}
