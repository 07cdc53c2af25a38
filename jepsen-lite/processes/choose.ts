import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../base/mod.ts";
import { nemeses, nemesisOf } from "./nemeses/nemeses.ts";
import type { Nemesis, ProbeContext } from "./nemesis.ts";
import type { Subject } from "./run.ts";

/** A nemesis that cannot work here, and why. */
export interface Unfit {
  readonly name: string;
  readonly why: string;
}

export interface Choice {
  readonly fit: readonly Nemesis[];
  readonly unfit: readonly Unfit[];
}

/** Asks each nemesis whether it can work here, once for all runs against the subject. */
export class Prober {
  readonly #subject: Subject;
  readonly #answers = new Map<string, string | undefined>();

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** `all` is everything there is. Throws `NemesisUnknown`. */
  async choose(names: readonly string[]): Promise<Choice> {
    const asked = names.includes("all") ? Object.keys(nemeses) : names;
    const fit: Nemesis[] = [];
    const unfit: Unfit[] = [];
    for (const name of asked) {
      const nemesis = nemesisOf(name);
      if (nemesis === undefined)
        throw new Failure(
          "NemesisUnknown",
          `there is no nemesis ${name}`,
          `There are ${Object.keys(nemeses)}, and all`,
        );
      if (!this.#answers.has(name)) this.#answers.set(name, await this.#probe(nemesis));
      const why = this.#answers.get(name);
      if (why === undefined) fit.push(nemesis);
      else unfit.push({ name, why });
    }
    return { fit, unfit };
  }

  async #probe(nemesis: Nemesis): Promise<string | undefined> {
    const directory = mkdtempSync(join(tmpdir(), "flotilla-probe-"));
    try {
      return await nemesis.probe({ ...contextOf(this.#subject), directory });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

function contextOf(subject: Subject): Omit<ProbeContext, "directory"> {
  if ("store" in subject) return { store: subject.store, owned: true, pids: true, members: subject.members };
  const { endpoints, pids } = subject;
  return { store: undefined, owned: false, pids: pids.length === endpoints.length, members: endpoints.length };
}
