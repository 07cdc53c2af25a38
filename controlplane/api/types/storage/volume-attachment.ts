import {
  always,
  boolean,
  explicit,
  given,
  int32,
  map,
  one,
  packageOf,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { PersistentVolumeSpec } from "../core/persistent-volume.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.storage.v1", "storage.k8s.io", "v1");

export const VolumeAttachmentSource = message("VolumeAttachmentSource", {
  persistentVolumeName: string(1, explicit),
  inlineVolumeSpec: one<PersistentVolumeSpec>(2, PersistentVolumeSpec),
});
export interface VolumeAttachmentSource extends Infer<typeof VolumeAttachmentSource> {}

export const VolumeAttachmentSpec = message("VolumeAttachmentSpec", {
  attacher: required(string(1)),
  source: required(one<VolumeAttachmentSource>(2, VolumeAttachmentSource, always)),
  nodeName: required(string(3)),
});
export interface VolumeAttachmentSpec extends Infer<typeof VolumeAttachmentSpec> {}

export const VolumeError = message("VolumeError", {
  time: time(1),
  message: string(2),
  errorCode: int32(3, explicit),
});
export interface VolumeError extends Infer<typeof VolumeError> {}

export const VolumeAttachmentStatus = message("VolumeAttachmentStatus", {
  attached: required(boolean(1)),
  attachmentMetadata: map(2, string),
  attachError: one<VolumeError>(3, VolumeError),
  detachError: one<VolumeError>(4, VolumeError),
});
export interface VolumeAttachmentStatus extends Infer<typeof VolumeAttachmentStatus> {}

export const VolumeAttachment = kind("VolumeAttachment", "The wish to attach a volume to a node, or detach it.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<VolumeAttachmentSpec>(2, VolumeAttachmentSpec, always)),
  status: one<VolumeAttachmentStatus>(3, VolumeAttachmentStatus, always),
});
export interface VolumeAttachment extends Infer<typeof VolumeAttachment> {}

export const VolumeAttachmentList = listOf<VolumeAttachment>(VolumeAttachment);
export interface VolumeAttachmentList extends Infer<typeof VolumeAttachmentList> {}
