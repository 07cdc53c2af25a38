/** One HTTP exchange, whatever carries it: HTTP/2, HTTP/1.1, or the in-memory twin of an API server. */
export interface Transport {
  /**
   * Sends and resolves when the answer's head is there. Rejects with TransportError when the connection fails, with the signal's
   * reason when aborted (also later, while the body is read).
   */
  request(request: TransportRequest): Promise<TransportResponse>;
  /** Cancels what is under way and frees the connections. */
  close(): Promise<void>;
}

export interface TransportRequest {
  readonly method: string;
  /** Path and query, already escaped. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

export interface TransportResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** To be read to its end or left early (`break`), which cancels the exchange. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The connection failed. `sent` tells whether the server may have seen the request: if not, trying again is always safe. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  /** The system's code, for example `ECONNREFUSED`. */
  readonly code: string;
  readonly sent: boolean;

  constructor(message: string, options: { code?: string; sent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = options.code ?? "UNKNOWN";
    this.sent = options.sent;
  }
}

export function transportError(what: string, sent: boolean, cause: unknown): TransportError {
  const { code, message } = cause as { code?: string; message?: string };
  return new TransportError(`${what}: ${message ?? String(cause)}`, { code, sent, cause });
}
