/** `nginx` and `nginx:latest` are one image. */
export function normalizedImageName(name: string): string {
  const afterSlash = name.slice(name.lastIndexOf("/") + 1);
  return afterSlash.includes(":") || name.includes("@") ? name : `${name}:latest`;
}
