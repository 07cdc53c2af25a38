import { type Clock, Failure, type Log } from "../../base/mod.ts";
import { type Algorithm, type JwtKeys, readKeys } from "./jwt-algorithms.ts";

/** Where keys lie. */
export interface KeyFiles {
  read(path: string): Uint8Array;
  /** Another whenever the file is another. Throws if there is none. */
  stamp(path: string): string;
}

export interface JwtKeyFilesOptions {
  readonly algorithm: Algorithm;
  readonly privateKeyFile: string | undefined;
  readonly publicKeyFile: string | undefined;
  readonly files: KeyFiles;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a change of a file may go unnoticed. */
const lookMs = 1000;

/** The keys as they are in their files now: they are changed by changing the files, without a restart. Files that cannot be used
 * are reported, and the keys of before stay in use. */
export class JwtKeyFiles {
  readonly #options: JwtKeyFilesOptions;
  #keys: JwtKeys;
  #stamp: string;
  #lookedMs: number;

  /** Throws a `Failure` if the files cannot be used. */
  constructor(options: JwtKeyFilesOptions) {
    this.#options = options;
    this.#lookedMs = options.clock.monotonic();
    try {
      this.#stamp = this.#look();
      this.#keys = this.#read();
    } catch (error) {
      const why = `--auth-token names keys that cannot be used: ${(error as Error).message}`;
      throw new Failure("AuthTokenKeys", why, "Check pub-key, priv-key and sign-method", error);
    }
  }

  /** The same object as long as the files are the same. */
  get keys(): JwtKeys {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs - this.#lookedMs < lookMs) return this.#keys;
    this.#lookedMs = nowMs;
    try {
      const stamp = this.#look();
      if (stamp === this.#stamp) return this.#keys;
      this.#stamp = stamp;
      this.#keys = this.#read();
      log("info", "read the keys of tokens again");
    } catch (error) {
      log("warn", "the keys of tokens have changed and cannot be used", { error: (error as Error).message });
    }
    return this.#keys;
  }

  #look(): string {
    return this.#paths().map(this.#options.files.stamp).join();
  }

  #read(): JwtKeys {
    const { algorithm, privateKeyFile, publicKeyFile, files } = this.#options;
    const bytes = (path: string | undefined) => (path === undefined ? undefined : files.read(path));
    return readKeys(algorithm, bytes(privateKeyFile), bytes(publicKeyFile));
  }

  #paths(): string[] {
    const { privateKeyFile, publicKeyFile } = this.#options;
    return [privateKeyFile, publicKeyFile].filter((path) => path !== undefined);
  }
}
