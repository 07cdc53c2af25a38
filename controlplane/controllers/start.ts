import { hostname } from "node:os";
import { type Clock, Deferred, type Log, type Random } from "../../base/mod.ts";
import {
  Client,
  InformerFactory,
  type ResourceDefinition,
  runLeaderElection,
  sleep,
  systemClock,
  systemRandom,
} from "../client/mod.ts";
import { CertificateApprovingController } from "./certificates/approving.ts";
import type { SigningPair } from "./certificates/authority.ts";
import { CertificateCleaner } from "./certificates/cleaner.ts";
import { CertificateSigningController } from "./certificates/signing.ts";
import { type Controller, type ControllerContext, runController } from "./common/controller.ts";
import { type Discovery, discover } from "./common/discovery.ts";
import { CronJobController } from "./cronjob/controller.ts";
import { type CsiEndpoint, runCsiDriver } from "./csi/run.ts";
import { DaemonSetController } from "./daemonset/controller.ts";
import { DeploymentController } from "./deployment/controller.ts";
import { DisruptionController } from "./disruption/controller.ts";
import { StaleDisruptionTargets } from "./disruption/stale-targets.ts";
import { EndpointSliceController } from "./endpointslice/controller.ts";
import { EphemeralVolumeController } from "./ephemeralvolume/controller.ts";
import { GarbageCollector } from "./garbagecollector/controller.ts";
import { JobController } from "./job/controller.ts";
import { LoadBalancerController } from "./loadbalancer/controller.ts";
import { NamespaceController } from "./namespace/controller.ts";
import { NodeLifecycleController, nodeNameIndex } from "./nodelifecycle/controller.ts";
import { NodeIpamController } from "./nodelifecycle/node-ipam.ts";
import { TaintEvictionController } from "./nodelifecycle/taint-eviction.ts";
import { PersistentVolumeBinder } from "./persistentvolume/controller.ts";
import { PodGarbageCollector } from "./podgc/controller.ts";
import { replicaSetController } from "./replicaset/controller.ts";
import { replicationController } from "./replicationcontroller/controller.ts";
import { RootCaPublisher, ServiceAccountController } from "./serviceaccount/controller.ts";
import { StatefulSetController } from "./statefulset/controller.ts";
import { TtlAfterFinishedController } from "./ttlafterfinished/controller.ts";
import { VolumeExpandController } from "./volumeexpand/controller.ts";
import { ClaimProtection } from "./volumeprotection/claims.ts";
import { VolumeProtection } from "./volumeprotection/volumes.ts";

const yearMs = 365 * 24 * 3_600_000;

import { AttachDetachController } from "./attachdetach/controller.ts";
import { EndpointSliceMirroringController } from "./endpointslicemirroring/controller.ts";
import { HorizontalPodAutoscalerController } from "./podautoscaler/controller.ts";
import { ResourceQuotaController } from "./resourcequota/controller.ts";
export interface ControllerManagerOptions {
  /** Either this, closed by whoever made it, or a kubeconfig. */
  readonly client?: Client;
  readonly kubeconfig?: string;
  /** Reach the kubeconfig's server through this unix socket. */
  readonly socketPath?: string;
  readonly log: Log;
  /** Work only while holding the Lease kube-system/kube-controller-manager. Default true. */
  readonly leaderElect?: boolean;
  /** Ranges for nodes are cut from it; no ranges are given when absent. */
  readonly clusterCIDR?: string;
  /** Default 24. */
  readonly nodeCIDRMaskSize?: number;
  /** Services of type LoadBalancer get addresses of it; none when absent. */
  readonly loadBalancerCIDR?: string;
  /** Signs what the built-in signers issue; nothing is issued when absent. */
  readonly clusterSigning?: SigningPair;
  /** How long such certificates are valid at most. Default a year. */
  readonly clusterSigningDurationMs?: number;
  /** Storage drivers whose controller service is called from here. */
  readonly csiEndpoints?: readonly CsiEndpoint[];
  /** PEM, published as kube-root-ca.crt; nothing is published when absent. */
  readonly rootCa?: string;
  /** Default 40 s. */
  readonly nodeMonitorGracePeriodMs?: number;
  /** Default 5 s. */
  readonly nodeMonitorPeriodMs?: number;
  /** Finished pods that may stay. Default 12,500; 0 for no limit. */
  readonly terminatedPodThreshold?: number;
  /** Told when leadership was lost: the process should end, as what it believes may be out of date. */
  readonly onLeadershipLost?: (error: unknown) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface ControllerManager {
  /** Resolves when the controllers work: caches are filled, and this process leads. */
  readonly leading: Promise<void>;
  /** Lets work under way end, releases the Lease. */
  stop(): Promise<void>;
}

/** Starts all controllers. Returns at once: they begin when the server answers and, with leader election, it is their turn. */
export async function startControllerManager(options: ControllerManagerOptions): Promise<ControllerManager> {
  const { log, clock = systemClock, random = systemRandom } = options;
  const client = options.client ?? (await clientFor(options));
  const stopping = new AbortController();
  const leading = new Deferred<void>();
  leading.promise.catch(() => undefined); // told by `running`; here it must only not count as unheard
  const work = (signal: AbortSignal) => runControllers(client, options, signal, leading);
  const identity = `${hostname()}_${crypto.randomUUID()}`;
  const election = { namespace: "kube-system", name: "kube-controller-manager", identity, log, clock, random };
  const running = (
    options.leaderElect === false ? work(stopping.signal) : runLeaderElection(client, election, work, stopping.signal)
  ).catch((error: unknown) => {
    leading.reject(error);
    if (stopping.signal.aborted) return;
    log("error", "controllers stopped", { error: (error as Error).message });
    options.onLeadershipLost?.(error);
  });
  return {
    leading: leading.promise,
    async stop() {
      stopping.abort(new Error("the controller manager stops"));
      await running;
      if (options.client === undefined) await client.close();
    },
  };
}

function clientFor({ kubeconfig, socketPath }: ControllerManagerOptions): Promise<Client> {
  if (kubeconfig === undefined) throw new TypeError("either a client or a kubeconfig is needed");
  return Client.fromKubeconfig(kubeconfig, { socketPath, userAgent: "kube-controller-manager" });
}

async function runControllers(
  client: Client,
  options: ControllerManagerOptions,
  signal: AbortSignal,
  leading: Deferred<void>,
): Promise<void> {
  const { log, clock = systemClock, random = systemRandom } = options;
  const informers = new InformerFactory({ log, clock, random });
  const context: ControllerContext = { client, informers, clock, random, log };
  informers.informer(client.pods).addIndex(nodeNameIndex, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
  let controllers: Controller[];
  try {
    controllers = controllersFor(context, options, await served(context, signal));
    informers.start(signal);
    await informers.synced(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    // Nothing has begun that would have to be ended.
    return;
  }
  log("info", "controllers started", { controllers: controllers.length });
  leading.resolve();
  const drivers = (options.csiEndpoints ?? []).map((endpoint) => runCsiDriver(context, endpoint, signal));
  await Promise.all([...controllers.map((controller) => runController(controller, signal)), ...drivers]);
  await informers.stopped();
}

/** What the server serves, asked until it answers. */
async function served({ client, clock, log }: ControllerContext, signal: AbortSignal): Promise<Discovery> {
  for (;;) {
    try {
      return await discover(client, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      log("warn", "cannot ask the server what it serves", { error: (error as Error).message });
      await sleep(clock, 1000, signal);
    }
  }
}

function controllersFor(
  context: ControllerContext,
  options: ControllerManagerOptions,
  { resources }: Discovery,
): Controller[] {
  const { client } = context;
  /** A controller works only where the kinds it watches are served: groups may be off, or of a later release. */
  const where = (
    kinds: readonly { readonly definition: ResourceDefinition }[],
    make: () => Controller,
  ): Controller[] => {
    const absent = kinds.find(
      ({ definition }) =>
        !resources.some(({ group, plural }) => group === definition.group && plural === definition.plural),
    );
    if (absent === undefined) return [make()];
    context.log("warn", "a controller is off: its kind is not served", { kind: absent.definition.kind });
    return [];
  };
  const {
    clusterCIDR,
    nodeCIDRMaskSize = 24,
    loadBalancerCIDR,
    rootCa,
    clusterSigning,
    terminatedPodThreshold = 12_500,
  } = options;
  const nodeLifecycle = {
    gracePeriodMs: options.nodeMonitorGracePeriodMs ?? 40_000,
    startupGracePeriodMs: 60_000,
    monitorPeriodMs: options.nodeMonitorPeriodMs ?? 5_000,
    evictionRate: 0.1,
  };
  return [
    new DeploymentController(context),
    replicaSetController(context),
    ...where([client.replicationControllers], () => replicationController(context)),
    ...where(
      [client.statefulSets, client.controllerRevisions, client.persistentVolumeClaims],
      () => new StatefulSetController(context),
    ),
    ...where([client.daemonSets, client.controllerRevisions], () => new DaemonSetController(context)),
    ...where([client.cronJobs], () => new CronJobController(context)),
    new JobController(context),
    new TtlAfterFinishedController(context),
    new NamespaceController(context),
    new GarbageCollector(context),
    new EndpointSliceController(context),
    new ServiceAccountController(context),
    ...(rootCa === undefined ? [] : [new RootCaPublisher(context, rootCa)]),
    new NodeLifecycleController(context, nodeLifecycle),
    new TaintEvictionController(context),
    ...(clusterCIDR === undefined ? [] : [new NodeIpamController(context, clusterCIDR, nodeCIDRMaskSize)]),
    new PodGarbageCollector(context, terminatedPodThreshold),
    ...where(
      [client.podDisruptionBudgets, client.statefulSets, client.replicationControllers],
      () => new DisruptionController(context),
    ),
    new StaleDisruptionTargets(context),
    ...where(
      [client.persistentVolumes, client.persistentVolumeClaims, client.storageClasses],
      () => new PersistentVolumeBinder(context),
    ),
    ...where([client.persistentVolumeClaims], () => new ClaimProtection(context)),
    ...where([client.persistentVolumes], () => new VolumeProtection(context)),
    ...where([client.persistentVolumeClaims], () => new EphemeralVolumeController(context)),
    ...where([client.persistentVolumes, client.persistentVolumeClaims], () => new VolumeExpandController(context)),
    ...(loadBalancerCIDR === undefined ? [] : [new LoadBalancerController(context, loadBalancerCIDR)]),
    ...where([client.certificateSigningRequests], () => new CertificateApprovingController(context)),
    ...where([client.certificateSigningRequests], () => new CertificateCleaner(context)),
    ...(clusterSigning === undefined
      ? []
      : where(
          [client.certificateSigningRequests],
          () => new CertificateSigningController(context, clusterSigning, options.clusterSigningDurationMs ?? yearMs),
        )),
    ...where([client.resourceQuotas, client.persistentVolumeClaims], () => new ResourceQuotaController(context)),
    ...where([client.horizontalPodAutoscalers], () => new HorizontalPodAutoscalerController(context)),
    ...where(
      [client.volumeAttachments, client.csiDrivers, client.persistentVolumes],
      () => new AttachDetachController(context),
    ),
    new EndpointSliceMirroringController(context),
  ];
}
