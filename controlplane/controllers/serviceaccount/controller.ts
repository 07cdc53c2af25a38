import type { ConfigMap, Namespace, ServiceAccount } from "../../api/mod.ts";
import {
  type Informer,
  isAlreadyExists,
  isNamespaceTerminating,
  type ObjectKey,
  type WorkQueue,
} from "../../client/mod.ts";
import { type Controller, type ControllerContext, controllerQueue } from "../common/controller.ts";

const defaultAccount = "default";
const rootCaName = "kube-root-ca.crt";
const rootCaDescription =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/** Ignores what others did at the same time, and namespaces on their way out. */
async function createOnce(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
  }
}

function isActive(namespace: Namespace | undefined): boolean {
  return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;
}

/** Gives every namespace the account that its pods run as when they name no other. */
export class ServiceAccountController implements Controller {
  readonly name = "serviceaccount-controller";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #namespaces: Informer<Namespace>;
  readonly #accounts: Informer<ServiceAccount>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = controllerQueue(this.name, context);
    this.#namespaces = context.informers.informer(context.client.namespaces);
    this.#accounts = context.informers.informer(context.client.serviceAccounts);
    const look = ({ metadata }: Namespace) => this.queue.add(metadata.name);
    this.#namespaces.addHandler({ onAdd: look, onUpdate: (_, namespace) => look(namespace) });
    this.#accounts.addHandler({
      onDelete: ({ metadata }) => {
        if (metadata.name === defaultAccount) this.queue.add(metadata.namespace ?? "");
      },
    });
  }

  async reconcile(namespace: ObjectKey, signal: AbortSignal): Promise<undefined> {
    if (!isActive(this.#namespaces.lister.get(undefined, namespace))) return;
    if (this.#accounts.lister.get(namespace, defaultAccount) !== undefined) return;
    const account = { metadata: { name: defaultAccount, namespace } };
    await createOnce(this.#context.client.serviceAccounts.create(account, { signal }));
  }
}

/** Publishes the certificate authority of the API server in every namespace, so that pods can trust it. */
export class RootCaPublisher implements Controller {
  readonly name = "root-ca-certificate-publisher";
  readonly workers = 1;
  readonly queue: WorkQueue;
  readonly #context: ControllerContext;
  readonly #rootCa: string;
  readonly #namespaces: Informer<Namespace>;
  readonly #configMaps: Informer<ConfigMap>;

  constructor(context: ControllerContext, rootCa: string) {
    this.#context = context;
    this.#rootCa = rootCa;
    this.queue = controllerQueue(this.name, context);
    this.#namespaces = context.informers.informer(context.client.namespaces);
    // Only those of this name: other ConfigMaps are many and large.
    const fieldSelector = `metadata.name=${rootCaName}`;
    this.#configMaps = context.informers.informer(context.client.configMaps, { fieldSelector });
    const look = ({ metadata }: Namespace) => this.queue.add(metadata.name);
    this.#namespaces.addHandler({ onAdd: look, onUpdate: (_, namespace) => look(namespace) });
    const restore = ({ metadata }: ConfigMap) => this.queue.add(metadata.namespace ?? "");
    this.#configMaps.addHandler({ onUpdate: (_, configMap) => restore(configMap), onDelete: restore });
  }

  async reconcile(namespace: ObjectKey, signal: AbortSignal): Promise<undefined> {
    if (!isActive(this.#namespaces.lister.get(undefined, namespace))) return;
    const { configMaps } = this.#context.client;
    const current = this.#configMaps.lister.get(namespace, rootCaName);
    const data = { "ca.crt": this.#rootCa };
    const annotations = { "kubernetes.io/description": rootCaDescription };
    if (current === undefined) {
      await createOnce(configMaps.create({ metadata: { name: rootCaName, namespace, annotations }, data }, { signal }));
      return;
    }
    const keys = Object.keys(current.data ?? {});
    if (keys.length === 1 && current.data?.["ca.crt"] === this.#rootCa) return;
    const metadata = { ...current.metadata, annotations: { ...current.metadata.annotations, ...annotations } };
    await configMaps.update({ ...current, metadata, data }, { signal });
  }
}
