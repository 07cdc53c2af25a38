/** Writes an object of JSON whose fields come bit by bit: those that are lists may be continued by the next part. */
export class JsonParts {
  #begun = false;
  /** The list that is open, and may be continued. */
  #list: string | undefined;

  /** The text of some more fields. */
  add(fields: Readonly<Record<string, unknown>>): string {
    let text = "";
    for (const [name, value] of Object.entries(fields)) {
      if (!Array.isArray(value)) text += `${this.#next(name)}${JSON.stringify(value)}`;
      else if (value.length > 0) text += `${this.#item(name)}${JSON.stringify(value).slice(1, -1)}`;
    }
    return text;
  }

  end(): string {
    return `${this.#begun ? "" : "{"}${this.#close()}}`;
  }

  #item(name: string): string {
    if (this.#list === name) return ",";
    const before = `${this.#next(name)}[`;
    this.#list = name;
    return before;
  }

  #next(name: string): string {
    const before = this.#close() + (this.#begun ? "," : "{");
    this.#begun = true;
    return `${before}${JSON.stringify(name)}:`;
  }

  #close(): string {
    if (this.#list === undefined) return "";
    this.#list = undefined;
    return "]";
  }
}
