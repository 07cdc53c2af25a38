import { join } from "node:path";
import type { Layout } from "./layout.ts";

/** Base name below pki/ of every key pair of a cluster; `.crt` and `.key` are added. Same names as kubeadm's where it has them. */
export const pkiNames = {
  ca: "ca",
  etcdCa: "etcd/ca",
  etcdMember: (member: string) => `etcd/${member}`,
  etcdClient: "etcd/client",
  apiServer: "apiserver",
  apiServerEtcdClient: "apiserver-etcd-client",
  apiServerKubeletClient: "apiserver-kubelet-client",
  controllerManager: "controller-manager",
  scheduler: "scheduler",
  proxy: "proxy",
  dns: "dns",
  ingress: "ingress",
  provisioner: "provisioner",
  admin: "admin",
  kubelet: (node: string) => `kubelet-${node}`,
  serviceAccount: "sa",
};

export function certificateFile(layout: Layout, name: string): string {
  return join(layout.pki, `${name}.crt`);
}

export function keyFile(layout: Layout, name: string): string {
  return join(layout.pki, `${name}.key`);
}
