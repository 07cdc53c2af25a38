/**
 * What a table holds beyond its fixed frame, by name. Two of these can be compared, which gives the smallest change from one to the
 * other. Whatever the kernel itself puts into a dynamic set is not part of it.
 */
export interface TableContent {
  /** Chains without a hook: a rule a line. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Name to declaration, e.g. `type ipv4_addr;`. A name stands for one declaration for ever. */
  readonly sets: ReadonlyMap<string, string>;
  /** Elements of maps and sets, of the frame's and of `sets`: key to value, the empty string in sets. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The part of a table that is always there. */
export interface Frame {
  /** Family and name, as in `ip kube-proxy`. */
  readonly table: string;
  /** Base chains, maps and sets, as they stand between the braces of a `table` block. */
  readonly body: string;
}

export const emptyContent: TableContent = { chains: new Map(), sets: new Map(), elements: new Map() };
