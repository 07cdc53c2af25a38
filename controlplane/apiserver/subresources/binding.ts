import { Binding, cloneJson, type KubeObject, type Pod, status, timeAt } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { decodeBody } from "../handlers/decode-body.ts";
import { encodeStatus } from "../handlers/encode.ts";
import { contextOf, settleNamespace } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";

/** POST pods/NAME/binding: the scheduler's verdict. A pod is bound once, and never while it is being deleted. */
export async function bind(pods: Served, call: Call, writer: Writer, now: () => number): Promise<Reply> {
  const binding = (await decodeBody(call, { schema: Binding, gvk: Binding.gvk })) as unknown as Binding;
  settleNamespace(binding, call.info.namespace, true);
  const name = call.info.resource === "bindings" ? binding.metadata.name : call.info.name;
  if (binding.metadata.name && binding.metadata.name !== name)
    fail(status.badRequest("name in URL does not match name in Binding object"));
  const { kind, name: node } = binding.target;
  const invalid = (field: string, message: string) =>
    fail(status.invalid({ group: "", kind: "Binding" }, name, [{ type: "FieldValueInvalid", field, message }]));
  if (kind && kind !== "Node")
    invalid("target.kind", `Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`);
  if (!node) invalid("target.name", "Required value");

  const assign = (current: KubeObject): KubeObject => {
    const pod = cloneJson(current) as Pod & KubeObject;
    const { uid, resourceVersion } = binding.metadata;
    if (uid) pod.metadata.uid = uid;
    if (resourceVersion) pod.metadata.resourceVersion = resourceVersion;
    else delete pod.metadata.resourceVersion;
    const refuse = (why: string) => fail(status.conflict({ group: "", resource: "pods/binding" }, name, why));
    if (pod.metadata.deletionTimestamp !== undefined)
      refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
    if (pod.spec.nodeName) refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
    if (pod.spec.schedulingGates?.length) refuse(`pod ${name} has non-empty .spec.schedulingGates`);
    pod.spec.nodeName = node as string;
    if (binding.metadata.annotations !== undefined)
      pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
    setScheduled(pod, timeAt(now()));
    return pod;
  };
  // What changes here is spec and status at once, which no other update may do.
  await writer.update(pods, call.info.namespace, name, assign, contextOf(call), { prepare: keep });
  return encodeStatus(call, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }, 201);
}

const keep = () => undefined;

function setScheduled(pod: Pod, now: string): void {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  const scheduled = { type: "PodScheduled", status: "True" as const, lastTransitionTime: now };
  pod.status = { ...pod.status, conditions: [...others, scheduled] };
}
