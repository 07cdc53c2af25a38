import { isIP } from "node:net";
import type { Ingress, IngressClass } from "../../controlplane/api/mod.ts";
import { equalJson } from "../../controlplane/api/mod.ts";
import {
  type ClusterResourceClient,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type ResourceClient,
} from "../../controlplane/client/mod.ts";
import { defaultClassAnnotation, isDefaultClass } from "./classes.ts";

export const className = "flotilla";

/** Where clients reach the Ingress, for `kubectl get ingress`. Written only when it says something else; a conflict is settled by the next change. */
export async function publishAddress(
  client: ResourceClient<Ingress>,
  ingresses: readonly Ingress[],
  address: string,
): Promise<void> {
  const wanted = [isIP(address) === 0 ? { hostname: address } : { ip: address }];
  for (const ingress of ingresses) {
    if (equalJson(ingress.status?.loadBalancer?.ingress ?? [], wanted)) continue;
    try {
      await client.updateStatus({ ...ingress, status: { loadBalancer: { ingress: wanted } } });
    } catch (error) {
      // Changed or gone since we read it: the watch brings the news, and with it the next attempt.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}

/** Makes this controller's class if nobody did; the default one, unless another is already. */
export async function ensureClass(
  client: ClusterResourceClient<IngressClass>,
  classes: readonly IngressClass[],
  controller: string,
): Promise<void> {
  if (classes.some((it) => it.metadata.name === className)) return;
  const annotations = classes.some(isDefaultClass) ? undefined : { [defaultClassAnnotation]: "true" };
  try {
    await client.create({
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: { name: className, annotations },
      spec: { controller },
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
