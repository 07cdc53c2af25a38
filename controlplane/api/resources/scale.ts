import { Scale } from "../types/autoscaling/scale.ts";
import { readAndWrite, type Subresource } from "./resource.ts";

/** Of every workload with replicas. */
export const scale: Subresource = { name: "scale", gvk: Scale.gvk, schema: Scale, verbs: readAndWrite };
