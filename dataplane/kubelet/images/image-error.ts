/** An image that cannot be used: the sentence says why. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}
