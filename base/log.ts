export type LogLevel = "debug" | "info" | "warn" | "error";

/** Where a component says what happened. An argument, so that tests and the simulator can listen. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
