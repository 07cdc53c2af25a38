import { type DeleteOptions, Eviction, type KubeObject, type Pod, StatusError, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { decodeBody } from "../handlers/decode-body.ts";
import { encodeStatus } from "../handlers/encode.ts";
import { contextOf, isDryRun, settleNamespace } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Admission } from "../registry/admission.ts";
import type { Deleter } from "../registry/deleter.ts";
import type { WriteContext } from "../registry/hooks.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";
import { type Budget, evictionRule, takeDisruption, withDisruptionTarget } from "./disruption.ts";

export interface EvictionOptions {
  /** Undefined where budgets are not served. */
  readonly budgets: Served | undefined;
  readonly writer: Writer;
  readonly deleter: Deleter;
  readonly admission: Admission;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How often the whole decision is made anew because the pod changed before it could be deleted. */
const ATTEMPTS = 20;

const tooManyBudgets = {
  ...status.internalError(""),
  details: {},
  message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
};

/** POST pods/NAME/eviction: a DELETE that a disruption budget may refuse. */
export async function evict(pods: Served, call: Call, options: EvictionOptions): Promise<Reply> {
  const eviction = (await decodeBody(call, { schema: Eviction, gvk: Eviction.gvk })) as unknown as Eviction &
    KubeObject;
  const { namespace, name } = call.info;
  settleNamespace(eviction, namespace, true);
  if (eviction.metadata.name && eviction.metadata.name !== name)
    fail(status.badRequest("name in URL does not match name in Eviction object"));
  const asked = (eviction.deleteOptions ?? {}) as DeleteOptions;
  const dryRun = isDryRun([...call.query.getAll("dryRun"), ...(asked.dryRun ?? [])]);
  const context = { ...contextOf(call), dryRun };
  const request = { ...context, operation: "CREATE", served: pods, subresource: "eviction", namespace, name } as const;
  await options.admission.admit({ ...request, object: eviction });
  await options.admission.validate({ ...request, object: eviction });

  for (let attempt = 1; ; attempt++) {
    try {
      await tryOnce(pods, namespace, name, asked, context, options);
      break;
    } catch (error) {
      // Who insists on a version is told that it has passed; otherwise the pod that is there now is looked at.
      const changed = error instanceof StatusError && error.status.reason === "Conflict";
      if (!changed || asked.preconditions !== undefined || attempt === ATTEMPTS) throw error;
    }
  }
  return encodeStatus(call, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }, 201);
}

async function tryOnce(
  pods: Served,
  namespace: string,
  name: string,
  asked: DeleteOptions,
  context: WriteContext,
  options: EvictionOptions,
): Promise<void> {
  const { budgets, writer, deleter, now } = options;
  const pod = (await pods.objects.get(pods.key(namespace, name))) as (Pod & KubeObject) | undefined;
  if (pod === undefined) fail(status.notFound(pods.names, name));
  await budgets?.cache.start();
  const all = budgets === undefined ? [] : [...budgets.cache.entries(budgets.prefix(namespace))];
  const rule = evictionRule(
    pod,
    all.map(([, budget]) => budget as unknown as Budget),
  );
  if (rule.kind === "tooManyBudgets") fail(tooManyBudgets);
  if (rule.kind === "budget") {
    const produce = (current: KubeObject) => {
      const taken = takeDisruption(current as unknown as Budget, name, now());
      return taken.ok ? (taken.budget as KubeObject) : fail(taken.refused);
    };
    await writer.update(budgets as Served, namespace, rule.budget.metadata.name, produce, context, { status: true });
  }
  const unchanged = rule.kind === "delete" && rule.onlyIfUnchanged;
  let version = pod.metadata.resourceVersion;
  if (!context.dryRun && pod.metadata.deletionTimestamp === undefined) {
    const produce = (current: KubeObject) => {
      const next = withDisruptionTarget(current as Pod & KubeObject, now());
      if (unchanged) next.metadata.resourceVersion = version as string;
      else delete next.metadata.resourceVersion;
      return next;
    };
    const changed = await writer.update(pods, namespace, name, produce, context, { status: true });
    version = changed.object.metadata.resourceVersion;
  }
  const preconditions = { ...asked.preconditions, ...(unchanged && { resourceVersion: version as string }) };
  await deleter.delete(pods, namespace, name, { ...asked, preconditions }, context);
}
