/** An image without a tag, or with the one that moves, may be another one tomorrow. */
export function followsLatest(image: string): boolean {
  if (image.includes("@")) return false;
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === "latest";
}
