/** What a simulation may do to the transactions of the store in memory. */

/** A transaction does these in this order, some of them more than once. */
export type TransactionStep = 'CLAIM' | 'READ' | 'WRITE' | 'COMMIT';

export type CommitFate =
  | { readonly answer: 'OK' }
  /** The caller learns nothing. The transaction ends `afterMs` later, applied or rolled back. */
  | { readonly answer: 'LOST'; readonly applied: boolean; readonly afterMs: number };

/** What a simulation may do to transactions. */
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
