import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Log, Random, Timer } from "../../base/mod.ts";
import type { Service } from "../../controlplane/api/mod.ts";
import {
  type ConfigMap,
  millisecondsOf,
  type Node,
  type Pod,
  type PodStatus,
  type Secret,
  timeAt,
} from "../../controlplane/api/mod.ts";
import { type Client, EventRecorder, type Informer } from "../../controlplane/client/mod.ts";
import { containerEnvironment, type Sources } from "./env/container-env.ts";
import type { PodFacts } from "./env/field-value.ts";
import { isCritical } from "./eviction/rank.ts";
import { RuntimeManager } from "./lifecycle/runtime-manager.ts";
import { sandboxConfig } from "./lifecycle/sandbox-config.ts";
import type { HostPortTable } from "./network/host-port-table.ts";
import { admit, type Rejection } from "./pod/admit.ts";
import type { ClusterDns } from "./pod/dns-config.ts";
import { hostPortsOf } from "./pod/host-ports.ts";
import { hostsFile } from "./pod/hosts-file.ts";
import { Pleg } from "./pod/pleg.ts";
import { formatPod, isHostNetwork, labels, refOf } from "./pod/pod-ref.ts";
import { type PassResult, type PodSyncer, PodWorker } from "./pod/pod-worker.ts";
import { victimsFor } from "./pod/preempt.ts";
import { containerKind, qosClass } from "./pod/qos.ts";
import { findContainer, type RuntimePod, readRuntimePod } from "./pod/runtime-pod.ts";
import { ProbeManager } from "./probes/probe-manager.ts";
import type { Prober } from "./probes/prober.ts";
import { Allocations } from "./resize/allocations.ts";
import { planResize, type ResizeVerdict } from "./resize/plan-resize.ts";
import { podDirOf, podLogDirOf, podsDirOf } from "./root-dir.ts";
import type { ImageService, RuntimeService } from "./runtime/cri.ts";
import { Refusal } from "./server/refusal.ts";
import { isMirror, isStatic, staticAnnotations } from "./staticpods/manifest.ts";
import { ManifestSource } from "./staticpods/manifest-source.ts";
import { Mirrors } from "./staticpods/mirrors.ts";
import { podStatus, terminatedStatus } from "./status/pod-status.ts";
import { StatusManager } from "./status/status-manager.ts";
import type { MountedVolumes } from "./volumes/mounted-volume.ts";
import { ObjectCache } from "./volumes/object-cache.ts";
import type { PayloadContext } from "./volumes/payload.ts";
import { referencesOf } from "./volumes/references.ts";
import { removeTree } from "./volumes/remove-tree.ts";
import { TokenManager } from "./volumes/token-manager.ts";
import { VolumeManager } from "./volumes/volume-manager.ts";

export interface KubeletOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly nodeName: string;
  readonly nodeIP: string;
  readonly rootDir: string;
  readonly dns: ClusterDns;
  readonly runtime: RuntimeService & ImageService;
  readonly runtimeName: string;
  readonly prober: Prober;
  /** Whether this process may mount file systems. */
  readonly canMount: boolean;
  readonly memoryCapacityBytes: number;
  /** This node's pods. */
  readonly pods: Informer<Pod>;
  readonly services: Informer<Service>;
  /** The node as it is known now; undefined before it is registered. */
  readonly node: () => Node | undefined;
  /** Writes the node's status now. */
  readonly reportNode: () => Promise<void>;
  /** Ports of the node that lead to pods; undefined: the network is not ours to change. */
  readonly hostPorts: HostPortTable | undefined;
  /** Called with each pod's address before its first container starts. */
  readonly networkReady?: (pod: Pod, podIP: string) => Promise<void>;
  /** Directory of manifests of static pods. */
  readonly manifestDir?: string;
  /** Why the node, in the state it is in, takes no such pod now. */
  readonly refuses: (pod: Pod) => Rejection | undefined;
}

const flushMs = 1_000;
const orphansAgainMs = 10_000;

/**
 * Makes this node's pods what the API says they should be, and tells the API what they are. Each pod has a worker; whatever may have
 * changed (the API's pod, the runtime, a probe, a referenced object) only wakes it, and each pass looks at everything anew.
 */
export class Kubelet implements PodSyncer {
  readonly #options: KubeletOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #manifests: ManifestSource | undefined;
  readonly #mirrors: Mirrors;
  /** Before the manifests have been read, nobody knows which mirrors are wanted. */
  #manifestsRead = false;
  /** Static pods whose predecessor of the same name has not ended yet, by namespace/name. */
  readonly #next = new Map<string, Pod>();
  readonly #runtimePods = new Map<string, RuntimePod>();
  /** Pods this node has taken; admission looks at each pod once. */
  readonly #admitted = new Set<string>();
  /** Seconds that pods which must go get to do so, instead of their own grace period. */
  readonly #graceSeconds = new Map<string, number>();
  readonly #allocations: Allocations;
  /** Wishes for other resources that the node does not grant, by uid. */
  readonly #pendingResizes = new Map<string, Extract<ResizeVerdict, { kind: "pending" }>>();
  readonly #statuses: StatusManager;
  readonly #probes: ProbeManager;
  readonly #tokens: TokenManager;
  readonly #configMaps: ObjectCache<ConfigMap>;
  readonly #secrets: ObjectCache<Secret>;
  readonly #manager: RuntimeManager;
  readonly #events: EventRecorder;
  #orphanTimer: Timer | undefined;
  #stopped = false;
  readonly pleg: Pleg;
  readonly volumes: VolumeManager;

  constructor(options: KubeletOptions) {
    this.#options = options;
    const { client, clock, random, log, runtime, rootDir, nodeName, nodeIP } = options;
    const wake = (uid: string) => this.#workers.get(uid)?.wake();
    const onChange = (uids: readonly string[]) => uids.forEach(wake);
    this.#statuses = new StatusManager(client, clock, log);
    this.#allocations = new Allocations(rootDir);
    this.#tokens = new TokenManager(client, clock);
    this.volumes = new VolumeManager({
      ...options,
      tokens: this.#tokens,
      memoryBytes: options.memoryCapacityBytes,
      event: (pod, type, reason, message) => this.#event(pod, type, reason, message),
    });
    this.#configMaps = new ObjectCache(client.configMaps, { clock, random, log, resource: "configmap", onChange });
    this.#secrets = new ObjectCache(client.secrets, { clock, random, log, resource: "secret", onChange });
    this.#events = new EventRecorder(client, { component: "kubelet", host: nodeName, log, clock });
    this.pleg = new Pleg(runtime, clock, log, wake);
    this.#probes = new ProbeManager({
      clock,
      random,
      prober: options.prober,
      onChange: wake,
      view: (uid, name) => this.#probeView(uid, name),
      onUnhealthy: (pod, container, message) => this.#event(pod, "Warning", "Unhealthy", message, container.name),
    });
    this.#mirrors = new Mirrors({
      client,
      clock,
      log,
      node: options.node,
      mirrorOf: (namespace, name) => {
        const found = options.pods.lister.get(namespace, name);
        return found !== undefined && isMirror(found) ? found : undefined;
      },
    });
    if (options.manifestDir !== undefined) {
      this.#manifests = new ManifestSource({
        dir: options.manifestDir,
        nodeName,
        clock,
        log,
        onAdd: (pod) => this.#observeStatic(pod),
        onRemove: (uid) => this.#removeStatic(uid),
      });
    }
    this.#manager = new RuntimeManager({
      runtime,
      clock,
      log,
      rootDir,
      nodeIP,
      networkReady: options.networkReady,
      memoryCapacityBytes: options.memoryCapacityBytes,
      canMount: options.canMount,
      event: (pod, type, reason, message, container) => this.#event(pod, type, reason, message, container),
      sandboxConfig: (pod, attempt) => this.#sandboxConfig(pod, attempt),
      environment: (pod, container, podIP, onSkipped) => {
        // A static pod does not wait for an API server.
        if (!options.services.hasSynced && !isStatic(pod))
          throw new Error("services have not yet been read at least once, cannot construct envvars");
        const services = options.services.lister.list();
        return containerEnvironment(pod, container, services, this.#sources, this.#facts(podIP), onSkipped);
      },
      hostsFile: (pod, podIP) => this.#writeHostsFile(pod, podIP),
      pullSecrets: (pod) => this.#pullSecrets(pod),
    });
  }

  get #sources(): Sources {
    return {
      configMap: (namespace, name) => this.#configMaps.get(namespace, name),
      secret: (namespace, name) => this.#secrets.get(namespace, name),
    };
  }

  /** A secret that is missing or holds something else is passed over, as in the original: the registry may not want it. */
  async #pullSecrets(pod: Pod): Promise<readonly string[]> {
    const { namespace } = refOf(pod);
    const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
    const secrets = await Promise.all(names.map((name) => this.#secrets.get(namespace, name)));
    return secrets.flatMap((secret) => {
      const text = secret?.data?.[".dockerconfigjson"] ?? secret?.data?.[".dockercfg"];
      return text === undefined ? [] : [Buffer.from(text, "base64").toString()];
    });
  }

  /** Begins to take pods; the informers run already. */
  start(): void {
    const { log, pods } = this.#options;
    const readManifests = this.#manifests?.start() ?? Promise.resolve();
    const manifestsRead = readManifests.then(() => {
      this.#manifestsRead = true;
      for (const mirror of pods.lister.list().filter(isMirror)) this.#observeMirror(mirror);
    });
    pods.addHandler({
      onAdd: (pod) => this.#observeFromApi(pod),
      onUpdate: (_old, pod) => this.#observeFromApi(pod),
      onDelete: (pod) => {
        if (isMirror(pod)) this.#observeMirror(pod, true);
        else this.#workers.get(refOf(pod).uid)?.remove();
      },
    });
    // Whatever refers to the environment of Services is only read when containers start: no need to look again at changes.
    this.pleg.start();
    Promise.all([pods.synced(), manifestsRead])
      .then(() => this.#removeOrphans())
      .catch((error: Error) => log("error", "could not remove what is left of old pods", { error: error.message }));
  }

  /** Lets go of everything; containers go on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#orphanTimer?.cancel();
    this.pleg.stop();
    this.#manifests?.stop();
    this.#mirrors.stop();
    for (const worker of this.#workers.values()) worker.stop();
    this.#probes.close();
    this.volumes.csi.close();
    this.#configMaps.close();
    this.#secrets.close();
    this.#statuses.close();
    // Events are a courtesy: an API server that does not answer must not keep us.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(flushMs, resolve);
    await Promise.race([this.#events.flush(), late]);
    timer.cancel();
  }

  pods(): Pod[] {
    return [...this.#workers.values()].map(({ pod }) => ({ ...pod, status: this.#statuses.get(pod) }));
  }

  wakeAll(): void {
    for (const worker of this.#workers.values()) worker.wake();
    this.#mirrors.checkAll();
  }

  #observeFromApi(pod: Pod): void {
    if (isMirror(pod)) {
      this.#observeMirror(pod);
      return;
    }
    const { [staticAnnotations.source]: claimed, ...annotations } = pod.metadata.annotations ?? {};
    // Where a pod comes from is for us to say: files have privileges.
    this.#observe(claimed === undefined ? pod : { ...pod, metadata: { ...pod.metadata, annotations } });
  }

  #observeMirror(mirror: Pod, gone = false): void {
    const staticUid = mirror.metadata.annotations?.[staticAnnotations.mirror] ?? "";
    this.#statuses.observeMirror(staticUid, gone ? undefined : mirror);
    if (this.#manifestsRead) this.#mirrors.check(mirror);
  }

  #observeStatic(pod: Pod): void {
    const key = keyOf(pod);
    if ([...this.#workers.values()].some((worker) => keyOf(worker.pod) === key)) this.#next.set(key, pod);
    else this.#observe(pod);
    this.#mirrors.want(pod);
  }

  #removeStatic(uid: string): void {
    const pod = this.#workers.get(uid)?.pod ?? [...this.#next.values()].find((one) => one.metadata.uid === uid);
    if (pod === undefined) return;
    this.#mirrors.unwant(pod);
    if (this.#next.get(keyOf(pod))?.metadata.uid === uid) this.#next.delete(keyOf(pod));
    this.#workers.get(uid)?.remove();
  }

  #forgetWorker(pod: Pod): void {
    this.#workers.delete(refOf(pod).uid);
    const next = this.#next.get(keyOf(pod));
    if (next === undefined) return;
    this.#next.delete(keyOf(pod));
    this.#observe(next);
  }

  #observe(pod: Pod): void {
    const { uid } = refOf(pod);
    const worker = this.#workers.get(uid);
    if (worker !== undefined) {
      this.#statuses.observe(pod);
      worker.update(pod);
      return;
    }
    const { clock, random, log } = this.#options;
    const fresh = new PodWorker(pod, { clock, random, log, syncer: this, onDone: () => this.#forgetWorker(pod) });
    this.#workers.set(uid, fresh);
    if (isStatic(pod)) {
      this.#statuses.set(pod, this.#statuses.get(pod));
      const mirror = this.#options.pods.lister.get(refOf(pod).namespace, refOf(pod).name);
      if (mirror?.metadata.annotations?.[staticAnnotations.mirror] === uid) this.#statuses.observeMirror(uid, mirror);
    }
    const { configMaps, secrets } = referencesOf(pod);
    const { namespace } = refOf(pod);
    this.#configMaps.register(uid, namespace, configMaps);
    this.#secrets.register(uid, namespace, secrets);
    fresh.wake();
  }

  async sync(wished: Pod): Promise<PassResult> {
    const runtimePod = await this.#read(wished);
    if (isOver(this.#statuses.get(wished))) return { terminal: true };
    const rejection = this.#rejection(this.#allocations.granted(wished), runtimePod);
    if (rejection !== undefined) return this.#refuse(wished, rejection);
    const pending = this.#considerResize(wished);
    const pod = this.#allocations.granted(wished);
    const status = this.#report(pod, runtimePod, false);
    if (isOver(status)) return { terminal: true };
    const deadlineMs = this.#deadlineMs(pod);
    if (deadlineMs !== undefined && deadlineMs <= 0) {
      const [reason, message] = ["DeadlineExceeded", "Pod was active on the node longer than the specified deadline"];
      this.#event(pod, "Normal", reason, message);
      this.#statuses.set(pod, { ...status, phase: "Failed", reason, message });
      return { terminal: true };
    }
    await this.#requireNetwork(pod);
    const volumes = await this.#mount(pod);
    this.#probes.add(pod);
    const { retryAfterMs, ok } = await this.#manager.syncPod(pod, runtimePod, volumes, this.#probes);
    // Failures to start are only known now, and what runs now shall not wait for the runtime's event to be told.
    const { podIP = "" } = this.#report(pod, await this.#read(pod), false);
    if (!isHostNetwork(pod)) this.#options.hostPorts?.set(refOf(pod).uid, podIP, hostPortsOf(pod));
    const waits = [retryAfterMs, deadlineMs, ok && !pending ? undefined : 10_000].filter((wait) => wait !== undefined);
    return waits.length === 0 ? {} : { retryAfterMs: Math.min(...waits) };
  }

  /** Grants a pod the resources it wishes for, if the node has them. Returns whether it has to wait for others to go. */
  #considerResize(wished: Pod): boolean {
    const { uid } = refOf(wished);
    const node = this.#options.node();
    if (!this.#allocations.has(wished)) this.#allocations.grant(wished);
    if (node === undefined) return false;
    const others = this.#taken().filter((other) => refOf(other).uid !== uid);
    const verdict = planResize(wished, this.#allocations.granted(wished), node, others);
    if (verdict.kind === "grant") this.#allocations.grant(wished);
    if (verdict.kind === "pending") this.#pendingResizes.set(uid, verdict);
    else this.#pendingResizes.delete(uid);
    return verdict.kind === "pending" && verdict.reason === "Deferred";
  }

  /** The pods this node has taken, with what they were granted. */
  #taken(): Pod[] {
    return [...this.#workers.values()]
      .filter((worker) => this.#admitted.has(refOf(worker.pod).uid))
      .map((worker) => this.#allocations.granted(worker.pod));
  }

  async syncTerminating(wished: Pod): Promise<void> {
    const pod = this.#allocations.granted(wished);
    const { uid } = refOf(pod);
    const runtimePod = await this.#read(pod);
    this.#report(pod, runtimePod, false);
    this.#probes.stopLiveness(uid);
    await this.#manager.killPod(pod, runtimePod, this.#graceSeconds.get(uid));
    this.#probes.remove(uid);
    this.#options.hostPorts?.set(uid, "", []);
    this.#report(pod, await this.#read(pod), true);
  }

  async syncTerminated(wished: Pod): Promise<void> {
    const pod = this.#allocations.granted(wished);
    const { uid } = refOf(pod);
    const status = this.#report(pod, await this.#read(pod), true);
    if (status.containerStatuses !== undefined) this.#statuses.set(pod, terminatedStatus(status));
    await this.volumes.unmount(uid);
    this.#configMaps.unregister(uid);
    this.#secrets.unregister(uid);
    this.#tokens.forget(uid);
    this.#admitted.delete(uid);
    this.#pendingResizes.delete(uid);
    this.#graceSeconds.delete(uid);
    // What it had may be what others wait for.
    for (const waiting of this.#pendingResizes.keys()) this.#workers.get(waiting)?.wake();
    this.#statuses.finish(pod);
  }

  async hasten(pod: Pod): Promise<void> {
    await this.#manager.hasten(await this.#read(pod), pod.metadata.deletionGracePeriodSeconds ?? 0);
  }

  async cleanUp(pod: Pod): Promise<void> {
    const ref = refOf(pod);
    const { rootDir } = this.#options;
    await this.#manager.remove(ref);
    for (const { id } of this.#runtimePods.get(ref.uid)?.containers ?? []) this.#probes.forget(id);
    this.#runtimePods.delete(ref.uid);
    rmSync(podLogDirOf(rootDir, ref), { recursive: true, force: true });
    removeTree(podDirOf(rootDir, ref.uid));
    this.#manager.forget(ref.uid);
    this.#allocations.forget(ref.uid);
    this.#statuses.forget(ref.uid);
  }

  /** The runtime's state of a pod, for this pass and for the probes until the next. */
  async #read(pod: Pod): Promise<RuntimePod> {
    const ref = refOf(pod);
    const before = this.#runtimePods.get(ref.uid);
    const runtimePod = await readRuntimePod(this.#options.runtime, ref);
    this.#runtimePods.set(ref.uid, runtimePod);
    const here = new Set(runtimePod.containers.map(({ id }) => id));
    for (const { id } of before?.containers ?? []) if (!here.has(id)) this.#probes.forget(id);
    const ran = new Set(before?.containers.filter(({ state }) => state === "running").map(({ id }) => id));
    if (runtimePod.containers.some(({ id, state }) => state === "running" && !ran.has(id)))
      this.#probes.trigger(ref.uid);
    return runtimePod;
  }

  #report(pod: Pod, runtimePod: RuntimePod, terminal: boolean) {
    const { nodeIP, runtimeName, clock } = this.#options;
    const { uid } = refOf(pod);
    const last = this.#statuses.get(pod);
    // Refused, or collected long ago: the runtime has nothing to add to what was said last.
    if (isOver(last) && runtimePod.sandboxes.length + runtimePod.containers.length === 0) return last;
    const status = podStatus({
      pod,
      runtimePod,
      previous: this.#previous(pod),
      hostIP: nodeIP,
      runtimeName,
      nowMs: clock.now(),
      terminal,
      failure: (container) => this.#manager.failure(uid, container),
      resize: { pending: this.#pendingResizes.get(uid), failure: this.#manager.resizeFailure(uid) },
      probes: this.#probes,
    });
    this.#statuses.set(pod, status);
    return status;
  }

  /** Ours where we have reported, with the conditions that others have set since. */
  #previous(pod: Pod) {
    const ours = this.#statuses.get(pod);
    const known = new Set(ours.conditions?.map(({ type }) => type));
    const others = (pod.status?.conditions ?? []).filter(({ type }) => !known.has(type));
    return { ...ours, conditions: [...(ours.conditions ?? []), ...others] };
  }

  #rejection(pod: Pod, runtimePod: RuntimePod) {
    const { uid } = refOf(pod);
    const node = this.#options.node();
    // What runs already was taken by an earlier kubelet.
    if (this.#admitted.has(uid) || runtimePod.containers.length > 0) {
      this.#admitted.add(uid);
      return undefined;
    }
    if (node === undefined && isStatic(pod)) {
      this.#admitted.add(uid);
      return undefined;
    }
    if (node === undefined) throw new Error("the node is not registered yet");
    const others = this.#taken();
    const rejection = this.#options.refuses(pod) ?? admit(pod, node, others);
    if (rejection?.reason.startsWith("OutOf") && isCritical(pod)) {
      const victims = victimsFor(pod, others, (left) => admit(pod, node, left) === undefined) ?? [];
      const message = "Preempted in order to admit critical pod";
      for (const victim of victims)
        this.evict(victim, "Preempting", message, victim.spec.terminationGracePeriodSeconds ?? 30);
      if (victims.length > 0) throw new Error("waiting for pods to make room");
    }
    if (rejection === undefined) this.#admitted.add(uid);
    return rejection;
  }

  #refuse(pod: Pod, { reason, message }: Rejection): PassResult {
    this.#event(pod, "Warning", reason, message);
    const { generation } = pod.metadata;
    this.#statuses.set(pod, {
      phase: "Failed",
      reason,
      message: `Pod was rejected: ${message}`,
      qosClass: qosClass(pod),
      startTime: timeAt(this.#options.clock.now()),
      conditions: pod.status?.conditions,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    });
    return { terminal: true };
  }

  /** Pods that have not come to their end, nor been told to. */
  active(): Pod[] {
    return this.pods().filter(
      (pod) =>
        !isOver(pod.status ?? {}) && pod.metadata.deletionTimestamp === undefined && this.#admitted.has(refOf(pod).uid),
    );
  }

  /** Ends a pod for good because the node needs what it has. */
  evict(pod: Pod, reason: string, message: string, graceSeconds: number): void {
    const { uid } = refOf(pod);
    const status = this.#statuses.get(pod);
    if (isOver(status)) return;
    const now = timeAt(this.#options.clock.now());
    const type = "DisruptionTarget";
    const target = { type, status: "True" as const, reason: "TerminationByKubelet", message, lastTransitionTime: now };
    const conditions = [...(status.conditions ?? []).filter((condition) => condition.type !== type), target];
    this.#graceSeconds.set(uid, graceSeconds);
    this.#event(pod, "Warning", reason, message);
    this.#statuses.set(pod, { ...status, phase: "Failed", reason, message, conditions });
    this.#workers.get(uid)?.wake();
  }

  /** Time the pod may still run; undefined: no end set. */
  #deadlineMs(pod: Pod): number | undefined {
    const seconds = pod.spec.activeDeadlineSeconds;
    const startedAtMs = millisecondsOf(this.#statuses.get(pod).startTime);
    if (seconds === undefined || startedAtMs === undefined) return undefined;
    return startedAtMs + seconds * 1000 - this.#options.clock.now();
  }

  async #requireNetwork(pod: Pod): Promise<void> {
    if (isHostNetwork(pod)) return;
    const { conditions } = await this.#options.runtime.status();
    const network = conditions.find(({ type }) => type === "NetworkReady");
    if (network === undefined || network.status) return;
    const message = `network is not ready: container runtime network not ready: NetworkReady=false reason:${network.reason} message:${network.message}`;
    this.#event(pod, "Warning", "NetworkNotReady", message);
    throw new Error(message);
  }

  #mount(pod: Pod): Promise<MountedVolumes> {
    const podIP = this.#statuses.get(pod).podIP ?? "";
    const context: PayloadContext = {
      ...this.#sources,
      pod,
      facts: this.#facts(podIP),
      token: async (request) => (await this.#tokens.token(pod, request)).token,
    };
    return this.volumes.mount(pod, context, (message) => this.#event(pod, "Warning", "FailedMount", message));
  }

  #facts(podIP: string): PodFacts {
    const {
      cpu = "0",
      memory = "0",
      "ephemeral-storage": disk = "0",
    } = this.#options.node()?.status?.allocatable ?? {};
    return { podIP, hostIP: this.#options.nodeIP, allocatable: { cpu, memory, "ephemeral-storage": disk } };
  }

  #sandboxConfig(pod: Pod, attempt: number) {
    const { rootDir, nodeName, dns } = this.#options;
    return sandboxConfig({
      pod,
      attempt,
      rootDir,
      dns,
      nodeHostname: nodeName,
      hostResolvConf: textOf("/etc/resolv.conf"),
    });
  }

  #writeHostsFile(pod: Pod, podIP: string): string {
    const { rootDir, dns } = this.#options;
    const dir = podDirOf(rootDir, refOf(pod).uid);
    const file = join(dir, "etc-hosts");
    mkdirSync(dir, { recursive: true, mode: 0o750 });
    writeFileSync(file, hostsFile(pod, podIP, dns.domain, isHostNetwork(pod) ? textOf("/etc/hosts") : undefined), {
      mode: 0o644,
    });
    return file;
  }

  #probeView(uid: string, name: string) {
    const worker = this.#workers.get(uid);
    if (worker === undefined) return undefined;
    const { pod } = worker;
    const runtimePod = this.#runtimePods.get(uid);
    const podIP = isHostNetwork(pod) ? this.#options.nodeIP : (runtimePod?.sandboxes[0]?.network?.ip ?? "");
    return { pod, podIP, instance: runtimePod === undefined ? undefined : findContainer(runtimePod, name) };
  }

  /** Where a container's log is, or why there is none, in the original's words. */
  async containerLog(namespace: string, name: string, container: string, previous: boolean) {
    const worker = [...this.#workers.values()].find(({ pod }) => {
      const ref = refOf(pod);
      return ref.namespace === namespace && ref.name === name;
    });
    if (worker === undefined) return new Refusal(404, `pod ${JSON.stringify(name)} does not exist`);
    const ref = refOf(worker.pod);
    const { runtime } = this.#options;
    const instances = (await readRuntimePod(runtime, ref)).containers.filter(
      (one) => one.name === container && one.startedAtMs > 0,
    );
    if (previous && instances.length < 2) {
      return new Refusal(
        400,
        `previous terminated container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} not found`,
      );
    }
    const instance = instances[previous ? 1 : 0];
    if (instance === undefined) {
      const failure = this.#manager.failure(ref.uid, container);
      const why = failure === undefined ? "ContainerCreating" : failure.reason;
      return new Refusal(
        400,
        `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is waiting to start: ${why}`,
      );
    }
    const isRunning = async () => {
      const found = await runtime.listContainers({ id: instance.id });
      return found[0]?.state === "CONTAINER_RUNNING";
    };
    return { path: instance.logPath, isRunning };
  }

  /** Ends what runs for pods the API has forgotten, and removes their files: we were away when they went. */
  async #removeOrphans(): Promise<void> {
    const { runtime, rootDir, log } = this.#options;
    const orphans = new Map<string, { namespace: string; name: string; uid: string }>();
    for (const sandbox of await runtime.listPodSandbox()) {
      const uid = sandbox.labels[labels.podUid] ?? sandbox.metadata.uid;
      const { namespace, name } = sandbox.metadata;
      if (!this.#workers.has(uid)) orphans.set(uid, { namespace, name, uid });
    }
    for (const ref of orphans.values()) {
      log("info", "ending a pod that is not wanted any more", { pod: formatPod(ref) });
      await this.#manager.killOrphan(ref);
      rmSync(podLogDirOf(rootDir, ref), { recursive: true, force: true });
    }
    this.#options.hostPorts?.refresh();
    mkdirSync(podsDirOf(rootDir), { recursive: true });
    await this.#removeOrphanedFiles();
  }

  /** Volumes may be a driver's to let go of, and it may not be back yet. */
  async #removeOrphanedFiles(): Promise<void> {
    const { rootDir, log, clock } = this.#options;
    let left = 0;
    for (const uid of readdirSync(podsDirOf(rootDir))) {
      if (this.#workers.has(uid)) continue;
      try {
        await this.volumes.unmount(uid);
        removeTree(podDirOf(rootDir, uid));
      } catch (error) {
        left++;
        log("warn", "volumes of a pod that is gone could not be removed; trying again", {
          uid,
          error: (error as Error).message,
        });
      }
    }
    if (left === 0 || this.#stopped) return;
    this.#orphanTimer = clock.after(orphansAgainMs, () => void this.#removeOrphanedFiles());
  }

  #event(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const kind = container === undefined ? undefined : containerKind(pod, container);
    const list = { init: "initContainers", regular: "containers", ephemeral: "ephemeralContainers" } as const;
    const fieldPath = kind === undefined ? {} : { fieldPath: `spec.${list[kind]}{${container}}` };
    this.#events.event({ kind: "Pod", apiVersion: "v1", ...refOf(pod), ...fieldPath }, type, reason, message);
  }

  /** Tells about the node itself. */
  nodeEvent(type: "Normal" | "Warning", reason: string, message: string): void {
    const { nodeName } = this.#options;
    // The original uses the node's name as uid, and kubectl describe relies on it.
    this.#events.event({ kind: "Node", name: nodeName, uid: nodeName, apiVersion: "v1" }, type, reason, message);
  }
}

function keyOf(pod: Pod): string {
  const { namespace, name } = refOf(pod);
  return `${namespace}/${name}`;
}

function isOver({ phase }: PodStatus): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

/** A file of the node that may be missing. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
