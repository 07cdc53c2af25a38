import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * The directories behind volumes, by the volumes' names. A directory that has no PersistentVolume may be one of two things: the beginning of a
 * volume whose making was interrupted, or data that an administrator kept (Retain). What tells them apart is a mark that is made before the
 * directory and goes only when the API has the volume: invariant: without a mark a directory is somebody's data.
 */
export class VolumeDirectories {
  readonly #volumes: string;
  readonly #unfinished: string;

  constructor(rootDir: string) {
    this.#volumes = join(rootDir, "volumes");
    this.#unfinished = join(rootDir, "unfinished");
    mkdirSync(this.#volumes, { recursive: true, mode: 0o755 });
    mkdirSync(this.#unfinished, { recursive: true, mode: 0o700 });
  }

  pathOf(volume: string): string {
    return join(this.#volumes, volume);
  }

  /** Makes the directory, or finds it made. Whatever user a container runs as may write there, as with any fresh file system of a cloud. */
  begin(volume: string): string {
    const path = this.pathOf(volume);
    if (!existsSync(path)) writeFileSync(join(this.#unfinished, volume), "");
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
    return path;
  }

  /** The API has the volume. */
  finish(volume: string): void {
    rmSync(join(this.#unfinished, volume), { force: true });
  }

  /** Names of those that were begun and not finished. */
  unfinished(): string[] {
    return readdirSync(this.#unfinished);
  }

  /** Idempotent. A large tree takes its time, and nobody waits for it but the caller. */
  async remove(volume: string): Promise<void> {
    await rm(this.pathOf(volume), { recursive: true, force: true });
    this.finish(volume);
  }
}
