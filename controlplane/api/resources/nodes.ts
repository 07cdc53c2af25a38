import { nodeColumns } from "../printers/nodes.ts";
import { Node } from "../types/core/node.ts";
import { validateNode, validateNodeUpdate } from "../validation/node.ts";
import { proxy } from "./connect.ts";
import { resource } from "./resource.ts";

export const nodes = resource<Node>(Node, {
  plural: "nodes",
  shortNames: ["no"],
  scope: "Cluster",
  status: true,
  subresources: [proxy("NodeProxyOptions")],
  storage: "minions",
  hash: "XwShjMxG9Fs=",
  columns: nodeColumns,
  strategy: { validate: validateNode, validateUpdate: validateNodeUpdate, statusUpdatesMetadata: true },
  selectableFields: { "spec.unschedulable": (node) => String(node.spec.unschedulable ?? false) },
});
