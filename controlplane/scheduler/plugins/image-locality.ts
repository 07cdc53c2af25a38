import { maxNodeScore, type Plugin } from "../framework/plugin.ts";
import { normalizedImageName } from "../image-name.ts";

const mebibyte = 1024 * 1024;
const leastBytes = 23 * mebibyte;
const mostBytesPerContainer = 1000 * mebibyte;

/**
 * Prefers nodes that hold the pod's images, large ones above all, less so when only few nodes hold them: the sum over images of
 * size x nodes that have it / all nodes, between 23 MiB (0 points) and 1000 MiB per image (100) (plugins/imagelocality).
 */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  score(pod, node, _state, cluster) {
    if (node.images.size === 0) return 0;
    let sum = 0;
    for (const image of pod.images) {
      const name = normalizedImageName(image);
      const sizeBytes = node.images.get(name);
      if (sizeBytes !== undefined) sum += Math.trunc(sizeBytes * (cluster.nodesWithImage(name) / cluster.nodeCount));
    }
    const most = mostBytesPerContainer * pod.images.length;
    const clamped = Math.min(Math.max(sum, leastBytes), most);
    return Math.trunc((maxNodeScore * (clamped - leastBytes)) / (most - leastBytes));
  },
};
