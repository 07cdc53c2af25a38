import { maxNodeScore, type ScorePlugin } from "../framework.ts";

const mebibyte = 1024 * 1024;
const leastBytes = 23 * mebibyte;
const mostBytesPerContainer = 1000 * mebibyte;

/** `nginx` and `nginx:latest` are one image. */
export function normalizedImageName(name: string): string {
  const afterSlash = name.slice(name.lastIndexOf("/") + 1);
  return afterSlash.includes(":") || name.includes("@") ? name : `${name}:latest`;
}

/** Prefers nodes that hold the pod's images, large ones above all, less so when only few nodes hold them. */
export const imageLocality: ScorePlugin = {
  name: "ImageLocality",
  weight: 1,
  score(pod, node, cluster) {
    let sum = 0;
    for (const image of pod.images) {
      const sizeBytes = node.images.get(normalizedImageName(image));
      if (sizeBytes === undefined) continue;
      sum += Math.floor((sizeBytes * cluster.nodesWithImage(normalizedImageName(image))) / cluster.nodeCount);
    }
    const most = mostBytesPerContainer * pod.images.length;
    const clamped = Math.min(Math.max(sum, leastBytes), most);
    return Math.floor((maxNodeScore * (clamped - leastBytes)) / (most - leastBytes));
  },
};
