import type { Plugin } from "../framework/plugin.ts";

/** POST pods/NAME/binding. */
export const defaultBinder: Plugin = {
  name: "DefaultBinder",
  async bind({ pod }, nodeName, { client }) {
    const { namespace = "default", name = "", uid } = pod.metadata;
    await client.bind(namespace, name, {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { namespace, name, uid },
      target: { apiVersion: "v1", kind: "Node", name: nodeName },
    });
    return true;
  },
};
