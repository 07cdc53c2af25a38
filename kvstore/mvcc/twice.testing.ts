import { withBuckets } from "./backend.ts";
import type { Work } from "./work.ts";

/** All records twice, `bucket/key=value` one after the other, each followed by a line's end; between the two, an empty piece. */
export const work: Work = {
  module: import.meta.url,
  scans: 2,
  async *run(scans) {
    for (const scan of scans) {
      for await (const run of withBuckets(scan)) {
        const lines = run.map(({ bucket, key, value }) => `${bucket}/${Buffer.from(key)}=${Buffer.from(value)}\n`);
        yield Buffer.from(lines.join(""));
      }
      yield Buffer.of();
    }
  },
};
