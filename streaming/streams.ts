import type { Readable, Writable } from "node:stream";

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Which standard streams a session carries. With a terminal there is no stderr: it goes where stdout goes. */
export interface WantedStreams {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** The client's end of a session. A stream that was not asked for is absent. */
export interface StandardStreams {
  /** Ends when the client has no more to say. */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Sizes of the client's window, also those that came before anybody listened. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** How a session ended. */
export type CommandResult =
  /** An exit code other than 0 comes with a sentence that says so. */
  | { readonly kind: "exited"; readonly code: number; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

/** A session that is open, as its server sees it. */
export interface RemoteCommand {
  readonly streams: StandardStreams;
  /** Tells the client how it ended, after all output has left, and closes. Never rejects: a client that has gone hears nothing. */
  finish(result: CommandResult): Promise<void>;
}
