import type { Volume } from "../types/core/volume.ts";
import { followsLatest } from "./image.ts";

/** rw-r--r-- */
const fileMode = 0o644;
const tokenSeconds = 3600;

export function defaultVolume(volume: Volume): void {
  const { name: _, ...sources } = volume;
  if (Object.keys(sources).length === 0) volume.emptyDir = {};
  if (volume.hostPath !== undefined) volume.hostPath.type ??= "";
  for (const files of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (files !== undefined) files.defaultMode ??= fileMode;
  }
  for (const item of volume.downwardAPI?.items ?? [])
    if (item.fieldRef !== undefined) item.fieldRef.apiVersion ??= "v1";
  for (const source of volume.projected?.sources ?? []) {
    if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= tokenSeconds;
    for (const item of source.downwardAPI?.items ?? [])
      if (item.fieldRef !== undefined) item.fieldRef.apiVersion ??= "v1";
  }
  if (volume.image !== undefined) {
    volume.image.pullPolicy ||= followsLatest(volume.image.reference ?? "") ? "Always" : "IfNotPresent";
  }
  if (volume.ephemeral?.volumeClaimTemplate !== undefined) {
    volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= "Filesystem";
  }
}
