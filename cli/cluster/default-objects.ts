import type { StorageClass } from "../../controlplane/api/mod.ts";
import { Client, isAlreadyExists } from "../../controlplane/client/mod.ts";
import { provisionerName } from "../../dataplane/provisioner/mod.ts";
import type { Layout } from "./layout.ts";

/** What claims get that name no class: a directory on the node of the first pod that uses it. */
const standard: StorageClass = {
  metadata: { name: "standard", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  provisioner: provisionerName,
  reclaimPolicy: "Delete",
  volumeBindingMode: "WaitForFirstConsumer",
  allowVolumeExpansion: true,
};

/** Makes the objects that every cluster begins with, where they are missing; what somebody has changed stays as it is. */
export async function createDefaultObjects(layout: Layout): Promise<void> {
  const client = await Client.fromKubeconfig(layout.kubeconfig);
  try {
    await client.storageClasses.create(standard);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  } finally {
    await client.close();
  }
}
