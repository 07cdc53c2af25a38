import { type ResponseHeader, WatchResponse } from "../../proto/mod.ts";

/** The headers of watch responses, encoded: all that is delivered in one turn has the same. */
export class WatchHeads {
  readonly #header: () => Omit<ResponseHeader, "revision">;
  #revision = -1;
  #term = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(header: () => Omit<ResponseHeader, "revision">) {
    this.#header = header;
  }

  /** A WatchResponse with nothing but the header. */
  at(revision: number): Uint8Array {
    const header = this.#header();
    if (revision !== this.#revision || header.raftTerm !== this.#term) {
      this.#revision = revision;
      this.#term = header.raftTerm;
      this.#bytes = WatchResponse.encode({ header: { ...header, revision } });
    }
    return this.#bytes;
  }
}
