import type { History } from "./history.ts";
import { clientOf } from "./verdict.ts";

/** Compactions of what has been checked: half of it each time, so that there is something left to ask for. */
export class Compactions {
  readonly #history: History;
  #revision = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** Whether it is answered does not matter: that the members agree on it is compared with all the rest. */
  async next(endpoint: string): Promise<void> {
    const step = Math.ceil((this.#history.checkedRevision - this.#revision) / 2);
    if (step <= 0) return;
    this.#revision += step;
    const client = clientOf(endpoint, undefined);
    await client.kv.compact({ revision: this.#revision }, { timeoutMs: 2000 }).catch(() => undefined);
    await client.close();
  }
}
