import { Counter, Family, Gauge, Histogram } from "./instruments.ts";

type Type = "counter" | "gauge" | "histogram" | "summary";

/** A value with its labels, as it is known when somebody asks. */
export interface Sample {
  /** Behind the name: `_sum`, `_count`. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: Type;
  lines(): Iterable<string>;
}

/** The metrics of one member, and their text in Prometheus' format (prometheus.io, "Text-based format"). */
export class Registry {
  readonly #metrics = new Map<string, Metric>();
  readonly #refreshes: (() => void)[] = [];

  counter(name: string, help: string): Counter {
    const counter = new Counter();
    this.#add(name, help, "counter", () => [line(name, {}, counter.value)]);
    return counter;
  }

  /** `type` is what etcd says it is: some of its gauges only grow. */
  gauge(name: string, help: string, type: Type = "gauge"): Gauge {
    const gauge = new Gauge();
    this.#add(name, help, type, () => [line(name, {}, gauge.value)]);
    return gauge;
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const histogram = new Histogram(bounds);
    this.#add(name, help, "histogram", () => histogramLines(name, {}, histogram));
    return histogram;
  }

  counters(name: string, help: string, labels: readonly string[], type: Type = "counter"): Family<Counter> {
    const family = new Family(labels, () => new Counter());
    this.#add(name, help, type, () =>
      family.members.values().map(({ values, instrument }) => line(name, named(labels, values), instrument.value)),
    );
    return family;
  }

  gauges(name: string, help: string, labels: readonly string[]): Family<Gauge> {
    return this.counters(name, help, labels, "gauge");
  }

  histograms(name: string, help: string, labels: readonly string[], bounds: readonly number[]): Family<Histogram> {
    const family = new Family(labels, () => new Histogram(bounds));
    this.#add(name, help, "histogram", () =>
      family.members
        .values()
        .flatMap(({ values, instrument }) => histogramLines(name, named(labels, values), instrument)),
    );
    return family;
  }

  /** What somebody else knows: asked when the metrics are. */
  read(name: string, type: Type, help: string, value: () => number | Iterable<Sample>): void {
    this.#add(name, help, type, function* () {
      const found = value();
      if (typeof found === "number") yield line(name, {}, found);
      else for (const sample of found) yield line(name + (sample.suffix ?? ""), sample.labels ?? {}, sample.value);
    });
  }

  /** Runs before each look at the metrics: for several that one question answers. */
  beforeLook(refresh: () => void): void {
    this.#refreshes.push(refresh);
  }

  get names(): readonly string[] {
    return [...this.#metrics.keys()];
  }

  /** Metrics without any value yet are left out, as by Go's library. */
  text(): string {
    for (const refresh of this.#refreshes) refresh();
    let text = "";
    for (const name of this.names.toSorted()) {
      const { help, type, lines } = this.#metrics.get(name) as Metric;
      let values = "";
      for (const one of lines()) values += one;
      if (values !== "") text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${values}`;
    }
    return text;
  }

  #add(name: string, help: string, type: Type, lines: () => Iterable<string>): void {
    this.#metrics.set(name, { name, help, type, lines });
  }
}

function* histogramLines(
  name: string,
  labels: Readonly<Record<string, string>>,
  histogram: Histogram,
): Generator<string> {
  let count = 0;
  for (const [at, bound] of [...histogram.bounds, Number.POSITIVE_INFINITY].entries()) {
    count += histogram.counts[at] as number;
    yield line(`${name}_bucket`, { ...labels, le: numberText(bound) }, count);
  }
  yield line(`${name}_sum`, labels, histogram.sum);
  yield line(`${name}_count`, labels, count);
}

function named(labels: readonly string[], values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ""]));
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels)
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}\n`;
}

/** In the order of their names, as Go writes them, for whoever looks for whole lines; bounds and quantiles come last. */
function rank(label: string): number {
  return label === "le" || label === "quantile" ? 1 : 0;
}

/** As Go writes floats: without it, readers that compare texts would see differences. */
function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e21))
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  return String(value);
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
