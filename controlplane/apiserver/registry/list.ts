import { type KubeObject, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import { decodeStored } from "../storage/codec.ts";
import { type ContinueToken, decodeContinue, encodeContinue } from "../storage/continue-token.ts";
import type { Store, Stored } from "../storage/store.ts";
import type { WatchCache } from "../storage/watch-cache.ts";

export interface ListOptions {
  readonly matches: (object: KubeObject) => boolean;
  /** Whether `matches` can say no: then how many remain is not known. */
  readonly filtered: boolean;
  /** 0: all of them. */
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
}

export interface ObjectList {
  readonly items: readonly KubeObject[];
  readonly revision: number;
  readonly continueToken?: string;
  readonly remaining?: number;
}

/** How long a read waits for a resource version that this server has not seen yet. */
const TOO_LARGE_AFTER_MS = 3_000;
const PAGE = 500;

const CONTINUE_EXPIRED =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
  "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. " +
  "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or " +
  "deleted between the time the first chunk was returned and now may show up in the list.";
const revisionGone = (revision: number) =>
  `The resourceVersion for the provided list is too old: ${revision}. Start a new list without it.`;

/** Lists under a key prefix. The newest page comes from the watch cache, old revisions and later pages from the store. */
export class Lister {
  readonly #store: Store;
  readonly #cache: WatchCache;

  constructor(store: Store, cache: WatchCache) {
    this.#store = store;
    this.#cache = cache;
  }

  async list(prefix: string, options: ListOptions): Promise<ObjectList> {
    const { continueToken, resourceVersion: asked, resourceVersionMatch: match } = options;
    if (continueToken !== "") return this.#fromStore(prefix, options, parseToken(continueToken));
    const exact = match === "Exact" || (match === "" && options.limit > 0 && asked !== "" && asked !== "0");
    if (exact) return this.#fromStore(prefix, options, { rv: Number(asked), start: "" });
    if (!(await this.shows(asked))) {
      const found = await this.#fromStore(prefix, options, { rv: 0, start: "" });
      if (Number(asked) > found.revision) fail(status.resourceVersionTooLarge(Number(asked), found.revision));
      return found;
    }
    // Asking for "any" version, clients want all of it at once: the limit is not honoured, as in the original.
    return this.#fromCache(prefix, asked === "0" ? { ...options, limit: 0 } : options);
  }

  /** The state under a prefix that is not older than asked for, and its revision. */
  async state(prefix: string, resourceVersion: string): Promise<Pick<ObjectList, "items" | "revision">> {
    const matches = () => true;
    const options = {
      matches,
      filtered: false,
      limit: 0,
      continueToken: "",
      resourceVersion,
      resourceVersionMatch: "",
    };
    return this.list(prefix, options);
  }

  /**
   * Whether the cache is as new as asked for ("": now, "0": anything), after waiting for it where it can be known to
   * become so. When not, the store is to be read instead.
   */
  async shows(asked: string): Promise<boolean> {
    await this.#cache.start();
    if (asked === "0" || (asked !== "" && Number(asked) <= this.#cache.revision)) return true;
    if (!(await this.#store.supportsProgress())) return false;
    const wanted = asked === "" ? await this.#store.revision() : Number(asked);
    if (await this.#cache.waitFor(wanted, TOO_LARGE_AFTER_MS)) return true;
    return fail(status.resourceVersionTooLarge(wanted, this.#cache.revision));
  }

  #fromCache(prefix: string, { matches, filtered, limit }: ListOptions): ObjectList {
    const revision = this.#cache.revision;
    const items: KubeObject[] = [];
    let last = "";
    let remaining = 0;
    let more = false;
    for (const [key, object] of this.#cache.entries(prefix)) {
      if (limit > 0 && items.length === limit) {
        more = true;
        if (filtered) break;
        remaining++;
      } else if (matches(object)) {
        items.push(object);
        last = key;
      }
    }
    if (!more) return { items, revision };
    const continueToken = encodeContinue({ rv: revision, start: `${last.slice(prefix.length)}\0` });
    return filtered ? { items, revision, continueToken } : { items, revision, continueToken, remaining };
  }

  async #fromStore(prefix: string, options: ListOptions, { rv, start }: ContinueToken): Promise<ObjectList> {
    const { matches, filtered, limit } = options;
    const items: KubeObject[] = [];
    let revision = rv > 0 ? rv : undefined;
    let from = prefix + start;
    for (;;) {
      // With a filter, whole pages are read until enough match; without, exactly what is asked for.
      const size = filtered || limit === 0 ? PAGE : limit - items.length;
      const page = await this.#store.range(prefix, { from, limit: size, ...(revision && { revision }) });
      if (!page.ok) {
        if (page.error === "FutureRevision") fail(status.resourceVersionTooLarge(rv, await this.#store.revision()));
        const resume = { rv: -1, start: from.slice(prefix.length) || "\0" };
        fail(
          status.expired(options.continueToken === "" ? revisionGone(rv) : CONTINUE_EXPIRED, encodeContinue(resume)),
        );
      }
      revision ??= page.revision;
      for (const [index, stored] of page.items.entries()) {
        const object = this.#decode(stored);
        from = `${stored.key}\0`;
        if (!matches(object)) continue;
        items.push(object);
        const left = page.count - index - 1;
        if (items.length === limit && left > 0) {
          const continueToken = encodeContinue({ rv: revision, start: from.slice(prefix.length) });
          return filtered ? { items, revision, continueToken } : { items, revision, continueToken, remaining: left };
        }
      }
      if (page.items.length === page.count) return { items, revision };
    }
  }

  #decode(stored: Stored): KubeObject {
    const cached = this.#cache.get(stored.key);
    return cached?.metadata.resourceVersion === String(stored.modRevision) ? cached : decodeStored(stored);
  }
}

function parseToken(text: string): ContinueToken {
  const token = decodeContinue(text);
  return token ?? fail(status.badRequest("continue key is not valid: illegal base64 data or unknown version"));
}
