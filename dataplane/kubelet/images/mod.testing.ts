// What tests need to make images of their own.
export { buildBusyboxImage, buildPauseImage } from "./busybox-image.ts";
export { buildImage, writeLayout } from "./writer.ts";
