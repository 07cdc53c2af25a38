import { join } from "node:path";

/** What lies where below a kubelet's root directory. Removing the directory removes the node (see destroyNode). */

/** State of the embedded runtime. */
export function runtimeDirOf(rootDir: string): string {
  return join(rootDir, "runtime");
}

/** Images of the embedded runtime, and their layers. */
export function imagesDirOf(rootDir: string): string {
  return join(rootDir, "images");
}

/** Volumes, /etc/hosts and termination messages of one pod. */
export function podDirOf(rootDir: string, uid: string): string {
  return join(podsDirOf(rootDir), uid);
}

export function podsDirOf(rootDir: string): string {
  return join(rootDir, "pods");
}

/** Container logs, laid out as /var/log/pods is: NAMESPACE_NAME_UID/CONTAINER/RESTARTS.log. */
function logsDirOf(rootDir: string): string {
  return join(rootDir, "logs");
}

export function podLogDirOf(rootDir: string, pod: { namespace: string; name: string; uid: string }): string {
  return join(logsDirOf(rootDir), `${pod.namespace}_${pod.name}_${pod.uid}`);
}
