/**
 * What belongs to a host, by the rules of Ingress: an exact name beats `*.name`, whose star stands for exactly one label, and that beats
 * the empty host, which stands for all.
 */
export class HostTable<T> {
  readonly #byHost = new Map<string, T>();

  /** What is at `host` as written in an Ingress, made if there is nothing yet. */
  at(host: string, make: () => T): T {
    const key = host.toLowerCase();
    let value = this.#byHost.get(key);
    if (value === undefined) {
      value = make();
      this.#byHost.set(key, value);
    }
    return value;
  }

  /** All that apply to a request's host, the most specific first. */
  *matching(host: string): Generator<T, void> {
    const dot = host.indexOf(".");
    const keys = host === "" ? [""] : dot > 0 ? [host, `*${host.slice(dot)}`, ""] : [host, ""];
    for (const key of keys) {
      const value = this.#byHost.get(key);
      if (value !== undefined) yield value;
    }
  }
}

/** A Host header or `:authority` as it is compared: lower case, without port and final dot. */
export function hostOf(authority: string | undefined): string {
  if (authority === undefined) return "";
  const withoutPort = authority.replace(/:\d*$/, "");
  return withoutPort.replace(/\.$/, "").toLowerCase();
}
