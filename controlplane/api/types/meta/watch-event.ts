/** One line of a watch. `object` is a Status when the type is ERROR; only apiVersion, kind and resourceVersion on a BOOKMARK. */
export interface WatchEvent<T = unknown> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T;
}
