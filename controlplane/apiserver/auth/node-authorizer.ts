import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from "../../api/mod.ts";
import { type PodReferences, referencesOf, secretsOfVolume } from "./pod-references.ts";
import type { Authorizer, Decision } from "./rbac.ts";
import { type Attributes, type PolicyRule, ruleAllows } from "./rules.ts";
import { nodeNameOf, type User } from "./user.ts";

/** Objects as they stand now. */
export interface NodeObjects {
  /** Pods that were given to the node. */
  podsOn(node: string): Iterable<Pod>;
  pod(namespace: string, name: string): Pod | undefined;
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  attachment(name: string): VolumeAttachment | undefined;
}

type Asked = Attributes & { readonly kind: "resource" };

const no = (reason: string): Decision => ({ allowed: false, reason });
const yes: Decision = { allowed: true, reason: "" };
const readVerbs = ["get", "list", "watch"];
const ownVerbs = ["get", "create", "update", "patch", "delete"];

/**
 * Authorizes kubelets (kubernetes plugin/pkg/auth/authorizer/node): of what belongs to pods, each gets what the pods on its
 * own node refer to. Of everything else `rules` say what any kubelet may do. About others it has no opinion.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #objects: NodeObjects;
  readonly #rules: readonly PolicyRule[];

  constructor(objects: NodeObjects, rules: readonly PolicyRule[]) {
    this.#objects = objects;
    this.#rules = rules;
  }

  authorize(asked: Attributes): Decision {
    const node = nodeNameOf(asked.user);
    if (node === undefined) return no("");
    const decision = asked.kind === "resource" ? this.#decide(node, asked) : undefined;
    return decision ?? (this.#rules.some((rule) => ruleAllows(rule, asked)) ? yes : no(""));
  }

  rulesFor(user: User): PolicyRule[] {
    return nodeNameOf(user) === undefined ? [] : [...this.#rules];
  }

  /** undefined: the rules decide. */
  #decide(node: string, asked: Asked): Decision | undefined {
    switch (`${asked.group}/${asked.resource}`) {
      case "/secrets":
        return this.#readReferenced(node, asked, readVerbs, () => this.#secretIsNeeded(node, asked));
      case "/configmaps":
        return this.#readReferenced(node, asked, readVerbs, () =>
          this.#isNeeded(node, asked.namespace, ({ configMaps }) => configMaps.has(asked.name)),
        );
      case "/persistentvolumeclaims":
        if (asked.subresource === "status" && (asked.verb === "update" || asked.verb === "patch"))
          return this.#related(node, this.#claimIsNeeded(node, asked.namespace, asked.name));
        return this.#readReferenced(node, asked, ["get"], () => this.#claimIsNeeded(node, asked.namespace, asked.name));
      case "/persistentvolumes":
        return this.#readReferenced(node, asked, ["get"], () => this.#volumeIsNeeded(node, asked.name));
      case "storage.k8s.io/volumeattachments":
        return this.#readReferenced(
          node,
          asked,
          ["get"],
          () => this.#objects.attachment(asked.name)?.spec.nodeName === node,
        );
      case "/serviceaccounts":
        return this.#serviceAccount(node, asked);
      case "coordination.k8s.io/leases":
        if (asked.namespace !== "kube-node-lease")
          return no(`can only access leases in the "kube-node-lease" system namespace`);
        return ownObject(node, asked, "can only access node lease with the same name as the requesting node");
      case "storage.k8s.io/csinodes":
        return ownObject(node, asked, "can only access CSINode with the same name as the requesting node");
      case "/nodes":
        return nodeObject(node, asked);
      case "/pods":
        return this.#pod(node, asked);
    }
    return undefined;
  }

  #readReferenced(node: string, asked: Asked, verbs: readonly string[], isNeeded: () => boolean): Decision {
    if (!verbs.includes(asked.verb)) return no(`can only ${verbs.join("/")} resources of this type`);
    if (asked.subresource !== "") return no("cannot read subresource");
    if (asked.name === "") return no(`can only read namespaced object of this type`);
    return this.#related(node, isNeeded());
  }

  #related(node: string, related: boolean): Decision {
    return related ? yes : no(`no relationship found between node '${node}' and this object`);
  }

  #isNeeded(node: string, namespace: string, refers: (references: PodReferences) => boolean): boolean {
    for (const pod of this.#objects.podsOn(node))
      if (pod.metadata.namespace === namespace && refers(referencesOf(pod))) return true;
    return false;
  }

  #claimIsNeeded(node: string, namespace: string, name: string): boolean {
    return this.#isNeeded(node, namespace, ({ claims }) => claims.has(name));
  }

  #volumeIsNeeded(node: string, name: string): boolean {
    const claim = this.#objects.volume(name)?.spec.claimRef;
    return claim?.name !== undefined && this.#claimIsNeeded(node, claim.namespace ?? "", claim.name);
  }

  /** By a pod, or to mount the volume behind a claim of a pod. */
  #secretIsNeeded(node: string, { namespace, name }: Asked): boolean {
    for (const pod of this.#objects.podsOn(node)) {
      const references = referencesOf(pod);
      const podNamespace = pod.metadata.namespace ?? "";
      if (podNamespace === namespace && references.secrets.has(name)) return true;
      for (const claim of references.claims) {
        const volume = this.#objects.volume(this.#objects.claim(podNamespace, claim)?.spec.volumeName ?? "");
        if (volume === undefined) continue;
        if (secretsOfVolume(volume).some((secret) => secret.namespace === namespace && secret.name === name))
          return true;
      }
    }
    return false;
  }

  /** Tokens for the accounts of its pods, and the accounts themselves. */
  #serviceAccount(node: string, asked: Asked): Decision {
    const allowed =
      asked.subresource === "token" ? asked.verb === "create" : asked.subresource === "" && asked.verb === "get";
    if (!allowed) return no("can only create tokens for individual service accounts");
    if (asked.name === "") return no("can only create tokens for individual service accounts");
    for (const { metadata, spec } of this.#objects.podsOn(node))
      if (metadata.namespace === asked.namespace && spec.serviceAccountName === asked.name) return yes;
    return this.#related(node, false);
  }

  #pod(node: string, asked: Asked): Decision {
    const { verb, subresource } = asked;
    if (subresource === "status") return verb === "update" || verb === "patch" ? yes : no("");
    if (subresource === "eviction") return verb === "create" ? yes : no("");
    if (subresource !== "") return no("");
    // Which pods it may create and delete depends on what is in them: NodeRestriction looks.
    if (verb === "create" || verb === "delete") return yes;
    if (verb === "get")
      return this.#related(node, this.#objects.pod(asked.namespace, asked.name)?.spec.nodeName === node);
    if (verb !== "list" && verb !== "watch") return no("");
    return selectsOwn(asked.fieldSelector ?? "", "spec.nodeName", node)
      ? yes
      : no("can only list/watch pods with spec.nodeName field selector");
  }
}

function ownObject(node: string, { verb, subresource, name }: Asked, why: string): Decision {
  if (!ownVerbs.includes(verb)) return no(`can only get, create, update, patch, or delete a node's own object`);
  if (subresource !== "") return no("cannot access subresources of this type");
  // A creation does not say the name in its path.
  return name === node || (verb === "create" && name === "") ? yes : no(why);
}

/** Every kubelet sees every node: routes to the pods of the others are its own to set. It changes only its own. */
function nodeObject(node: string, { verb, subresource, name }: Asked): Decision | undefined {
  if (readVerbs.includes(verb)) return undefined;
  const own = name === node || (verb === "create" && name === "");
  if (!own && (subresource === "" || subresource === "status"))
    return no(`node '${node}' cannot ${verb} node '${name}', only its own Node object`);
  return undefined;
}

/** Whether the selector demands that value of the field. Names of nodes need no escapes: with one, it is about something else. */
function selectsOwn(selector: string, field: string, node: string): boolean {
  if (selector.includes("\\")) return false;
  return selector.split(",").some((term) => term === `${field}=${node}` || term === `${field}==${node}`);
}
