import type { RequestInfo } from "./http/request-info.ts";

interface Cell {
  count: number;
  seconds: number;
}

/** What the server counts, as Prometheus text (/metrics). */
export class Metrics {
  readonly #requests = new Map<string, Cell>();

  observe(info: RequestInfo, code: number, milliseconds: number): void {
    const labels =
      info.kind === "resource"
        ? `code="${code}",group="${info.group}",resource="${printable(info.resource)}",verb="${info.verb.toUpperCase()}"`
        : `code="${code}",group="",resource="",verb="${info.verb.toUpperCase()}"`;
    let cell = this.#requests.get(labels);
    if (cell === undefined) {
      // Unknown resources are the client's to invent: they must not fill the memory.
      if (this.#requests.size > 5_000) return;
      cell = { count: 0, seconds: 0 };
      this.#requests.set(labels, cell);
    }
    cell.count++;
    cell.seconds += milliseconds / 1000;
  }

  /** `gauges` are read at the time of asking. */
  render(gauges: Readonly<Record<string, number>>): string {
    const lines = ["# TYPE apiserver_request_total counter"];
    for (const [labels, { count }] of this.#requests) lines.push(`apiserver_request_total{${labels}} ${count}`);
    lines.push("# TYPE apiserver_request_duration_seconds_sum counter");
    for (const [labels, { seconds }] of this.#requests)
      lines.push(`apiserver_request_duration_seconds_sum{${labels}} ${seconds.toFixed(6)}`);
    for (const [name, value] of Object.entries(gauges)) lines.push(`# TYPE ${bare(name)} gauge`, `${name} ${value}`);
    return `${lines.join("\n")}\n`;
  }
}

const bare = (name: string) => name.replace(/\{.*$/, "");
const printable = (text: string) => text.replace(/[\\"\n]/g, "_");
