/** Faults that a simulation injects into transactions of the store in memory. */

/** The steps of a transaction in their order; some occur more than once. */
export type TransactionStep = 'CLAIM' | 'READ' | 'WRITE' | 'COMMIT';

export type CommitFate =
  | { readonly answer: 'OK' }
  /** The caller gets no answer. The transaction ends `afterMs` later, applied or rolled back. */
  | { readonly answer: 'LOST'; readonly applied: boolean; readonly afterMs: number };

export interface TransactionFaults {
  /** Called before each step; may delay it, or fail it with a ConnectionLostError. */
  before?(step: TransactionStep): Promise<void> | undefined;
  /** Called for each COMMIT that is sent. */
  commit?(): CommitFate;
}

/** The connection has broken. The database rolls back, unless COMMIT was sent. */
export class ConnectionLostError extends Error {
  readonly code = 'CONNECTION_LOST' as const;
  constructor(options?: ErrorOptions) {
    super('The connection to the database was lost.', options);
    this.name = 'ConnectionLostError';
  }
}
