import { type Clock, pause, type Random } from "../../../base/mod.ts";
import { type Pod, randomSuffix, type ServiceAccount, status, type Volume } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { Served } from "../registry/served.ts";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_SECONDS = 3607;
/** The default account is made by a controller soon after its namespace: pods may be quicker. */
const WAIT = { attempts: 20, pauseMs: 100 };

/** Every pod runs as a service account; unless told otherwise it finds that account's token in its file system. */
export async function admitServiceAccount(pod: Pod, accounts: Served, clock: Clock, random: Random): Promise<void> {
  const { spec, metadata } = pod;
  // The kubelet's own pods exist already: what it reports is not changed.
  if (metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return;
  if (!spec.serviceAccountName) spec.serviceAccountName = "default";
  spec.serviceAccount = spec.serviceAccountName;
  const account = await find(accounts, clock, metadata.namespace ?? "", spec.serviceAccountName, metadata.name ?? "");
  if (spec.imagePullSecrets === undefined && account.imagePullSecrets?.length)
    spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod, random);
}

async function find(
  accounts: Served,
  clock: Clock,
  namespace: string,
  name: string,
  pod: string,
): Promise<ServiceAccount> {
  const key = accounts.key(namespace, name);
  for (let attempt = 1; ; attempt++) {
    const account = accounts.cache.get(key) ?? (await accounts.objects.get(key));
    if (account !== undefined) return account as ServiceAccount;
    if (name !== "default" || attempt === WAIT.attempts) break;
    await pause(clock, WAIT.pauseMs);
  }
  const why = `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`;
  return fail(status.forbidden({ group: "", resource: "pods" }, pod, why));
}

function mountToken({ spec }: Pod, random: Random): void {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const needing = containers.filter(
    ({ volumeMounts }) => !volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH),
  );
  if (needing.length === 0) return;
  const existing = spec.volumes?.find(({ name }) => name.startsWith("kube-api-access-"));
  const volume = existing ?? tokenVolume(`kube-api-access-${randomSuffix(5, random)}`);
  if (existing === undefined) spec.volumes = [...(spec.volumes ?? []), volume];
  for (const container of needing)
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: volume.name, readOnly: true, mountPath: MOUNT_PATH },
    ];
}

function tokenVolume(name: string): Volume {
  const namespaceField = { apiVersion: "v1", fieldPath: "metadata.namespace" };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [{ path: "namespace", fieldRef: namespaceField }] } },
      ],
      defaultMode: 0o644,
    },
  };
}
