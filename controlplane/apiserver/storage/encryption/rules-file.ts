import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { Failure, type Log } from "../../../../base/mod.ts";
import { type EncryptionRules, parseEncryptionConfig, type ResourceName } from "./config.ts";
import type { TransformerOf } from "./encrypted-store.ts";
import type { Transformer } from "./transformer.ts";

const LOOK_EVERY_MS = 1_000;

export interface StoredResource extends ResourceName {
  /** Such as `/registry/secrets`. */
  readonly storagePrefix: string;
}

/** The rules of a file, as they are now: a change takes effect within a second or two, one that makes no sense never. */
export class RulesFile {
  readonly #file: string;
  readonly #resources: readonly StoredResource[];
  readonly #log: Log;
  /** By what keys start with; only of what is encrypted. */
  #transformers: readonly (readonly [prefix: string, transformer: Transformer])[];

  constructor(file: string, resources: readonly StoredResource[], log: Log) {
    this.#file = file;
    this.#resources = resources;
    this.#log = log;
    this.#transformers = this.#byPrefix(this.#read());
    watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, this.#reload);
  }

  readonly transformerOf: TransformerOf = (key) => this.#transformers.find(([prefix]) => key.startsWith(prefix))?.[1];

  close(): void {
    unwatchFile(this.#file, this.#reload);
  }

  readonly #reload = (): void => {
    try {
      this.#transformers = this.#byPrefix(this.#read());
      this.#log("info", "the encryption configuration was read again", { file: this.#file });
    } catch (error) {
      this.#log("error", "the encryption configuration stays as it was", { error: String(error) });
    }
  };

  #read(): EncryptionRules {
    try {
      return parseEncryptionConfig(readFileSync(this.#file, "utf8"));
    } catch (error) {
      if (error instanceof Failure) throw error;
      const why = `cannot read ${this.#file}: ${(error as Error).message}`;
      throw new Failure("EncryptionConfigUnreadable", why, "Check the path and its permissions", error);
    }
  }

  #byPrefix(rules: EncryptionRules): [string, Transformer][] {
    return this.#resources.flatMap((resource) => {
      const transformer = rules(resource);
      return transformer === undefined ? [] : [[`${resource.storagePrefix}/`, transformer] as [string, Transformer]];
    });
  }
}
