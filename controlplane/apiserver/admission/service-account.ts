import { type Clock, pause, type Random } from "../../../base/mod.ts";
import { type Pod, randomSuffix, type ServiceAccount, type Volume } from "../../api/mod.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { type AdmissionPlugin, isAbout, refuse } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_SECONDS = 3607;
/** The default account is made by a controller soon after its namespace: pods may be quicker. */
const WAIT = { attempts: 20, pauseMs: 100 };

const MIRROR = "kubernetes.io/config.mirror";

/** Every pod runs as a service account; unless told otherwise it finds that account's token in its file system. */
export function serviceAccount(objects: ObjectReader, clock: Clock, random: Random): AdmissionPlugin {
  return {
    name: "ServiceAccount",
    async admit(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "pods")) return;
      const pod = request.object as Pod;
      // The kubelet's own pods exist already: what it reports is not changed.
      if (pod.metadata.annotations?.[MIRROR] !== undefined) return;
      const { spec } = pod;
      if (!spec.serviceAccountName) spec.serviceAccountName = "default";
      spec.serviceAccount = spec.serviceAccountName;
      const account = await find(objects, clock, request, spec.serviceAccountName);
      if (spec.imagePullSecrets === undefined && account.imagePullSecrets?.length)
        spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod, random);
    },
    validate(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "pods")) return;
      const pod = request.object as Pod;
      if (pod.metadata.annotations?.[MIRROR] !== undefined) checkMirror(request, pod);
    },
  };
}

async function find(
  objects: ObjectReader,
  clock: Clock,
  request: AdmissionRequest,
  name: string,
): Promise<ServiceAccount> {
  const { namespace } = request;
  for (let attempt = 1; ; attempt++) {
    const account = await objects.get("serviceaccounts", namespace, name);
    if (account !== undefined) return account;
    if (name !== "default" || attempt === WAIT.attempts) break;
    await pause(clock, WAIT.pauseMs);
  }
  const missing = `serviceaccount ${JSON.stringify(name)} not found`;
  return refuse(request, `error looking up service account ${namespace}/${name}: ${missing}`);
}

/** A pod that a kubelet reports has no identity in the cluster, and cannot borrow one. */
function checkMirror(request: AdmissionRequest, { spec }: Pod): void {
  if (spec.serviceAccountName) refuse(request, "a mirror pod may not reference service accounts");
  const secrets =
    spec.volumes?.some(({ secret, projected }) => secret ?? projected?.sources?.some((source) => source.secret)) ||
    spec.imagePullSecrets?.length;
  if (secrets) refuse(request, "a mirror pod may not reference secrets");
  if (spec.volumes?.some(({ projected }) => projected?.sources?.some((source) => source.serviceAccountToken)))
    refuse(request, "a mirror pod may not use ServiceAccountToken volume projections");
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
