import { bigInt64, bool, embedded, repeated, string, uint64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { ImageSpec, optionalInt64, optionalUint64, stringMap } from "./common.ts";
import { PodSandboxConfig } from "./sandbox.ts";

export const Image = message("runtime.v1.Image", {
  id: string(1),
  repoTags: repeated(string(2)),
  repoDigests: repeated(string(3)),
  size: uint64(4),
  uid: optionalInt64(5),
  username: string(6),
  spec: embedded(7, () => ImageSpec),
  pinned: bool(8),
});
export type Image = Infer<typeof Image>;

/** The request of ListImages (there it filters), ImageStatus and RemoveImage. */
export const ImageRequest = message("runtime.v1.ImageRequest", { image: embedded(1, () => ImageSpec) });
export const ImageFilter = message("runtime.v1.ImageFilter", { image: embedded(1, () => ImageSpec) });
export const ListImagesRequest = message("runtime.v1.ListImagesRequest", { filter: embedded(1, () => ImageFilter) });
export const ListImagesResponse = message("runtime.v1.ListImagesResponse", {
  images: repeated(embedded(1, () => Image)),
});
export const ImageStatusResponse = message("runtime.v1.ImageStatusResponse", {
  image: embedded(1, () => Image),
  info: stringMap(2),
});

export const AuthConfig = message("runtime.v1.AuthConfig", {
  username: string(1),
  password: string(2),
  auth: string(3),
  serverAddress: string(4),
  identityToken: string(5),
  registryToken: string(6),
});
export const PullImageRequest = message("runtime.v1.PullImageRequest", {
  image: embedded(1, () => ImageSpec),
  auth: embedded(2, () => AuthConfig),
  sandboxConfig: embedded(3, () => PodSandboxConfig),
});
export const PullImageResponse = message("runtime.v1.PullImageResponse", { imageRef: string(1) });

export const FilesystemIdentifier = message("runtime.v1.FilesystemIdentifier", { mountpoint: string(1) });
export const FilesystemUsage = message("runtime.v1.FilesystemUsage", {
  timestamp: bigInt64(1),
  fsId: embedded(2, () => FilesystemIdentifier),
  usedBytes: optionalUint64(3),
  inodesUsed: optionalUint64(4),
});
export type FilesystemUsage = Infer<typeof FilesystemUsage>;
export const ImageFsInfoResponse = message("runtime.v1.ImageFsInfoResponse", {
  imageFilesystems: repeated(embedded(1, () => FilesystemUsage)),
  containerFilesystems: repeated(embedded(2, () => FilesystemUsage)),
});
