/** How an operation failed as a whole. What a line or a mutation answers with a type of its own is no exception. */

/** An error of GraphQL's, as the server sends it. */
export interface GraphqlFault {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: {
    readonly code?: string;
    readonly retryAfterMs?: number;
    readonly [name: string]: unknown;
  };
}

export interface FailureDetails {
  /**
   * The server's code, as `FORBIDDEN`; `NETWORK` where no whole answer came, `TIMED_OUT` where none came until the
   * deadline, or would be asked for before it; `ABORTED` where the caller's signal was aborted; `NOT_SENT` where no
   * request can be made: its `cause` says why, as what the function `credential` has thrown.
   */
  readonly code: string;
  /** Of the last answer; null where none came. */
  readonly status: number | null;
  /** Of the last answer. */
  readonly faults: readonly GraphqlFault[];
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** No earlier than this, in milliseconds, where the server has said so. */
  readonly retryAfterMs: number | null;
  /** Whether the outcome of a try is unknown: a mutation may have been applied. */
  readonly mayHaveApplied: boolean;
}

export class StockadeError extends Error implements FailureDetails {
  override readonly name = 'StockadeError';
  readonly code: string;
  readonly status: number | null;
  readonly faults: readonly GraphqlFault[];
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly mayHaveApplied: boolean;
  /**
   * What was sent last, a mutation's input as `input`. The same operation with these variables, the idempotency key
   * included, tells what became of it, and is not applied twice.
   */
  readonly variables: unknown;
  /** The lines that were decided by earlier tries of this call, in the form of an answer; null where there are none. */
  readonly decided: unknown;

  constructor(
    message: string,
    details: FailureDetails,
    sent: {
      readonly variables?: unknown;
      readonly decided?: unknown;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: sent.cause });
    this.code = details.code;
    this.status = details.status;
    this.faults = details.faults;
    this.retryable = details.retryable;
    this.retryAfterMs = details.retryAfterMs;
    this.mayHaveApplied = details.mayHaveApplied;
    this.variables = sent.variables;
    this.decided = sent.decided ?? null;
  }
}
