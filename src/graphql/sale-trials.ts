/**
 * Sales that are tried on the developer's machine: what the schema needs of them. The process edge of `stockade dev`
 * implements them, because they start processes; no other server has them.
 */

/** A value of STOCK_LOCK. */
export type TrialLock = 'redis' | 'redlock' | 'database' | 'none';

export interface SaleTrialRequest {
  readonly buyers: number;
  readonly units: number;
  readonly lock: TrialLock;
  readonly servers: number;
}

export type SaleTrialState = 'STARTING' | 'SELLING' | 'CHECKING' | 'DONE' | 'STOPPED' | 'FAILED';

export interface CodeCount {
  readonly code: string;
  readonly count: number;
}

/** How far the sale was at a moment. */
export interface SaleTrialPoint {
  readonly atMs: number;
  readonly asked: number;
  readonly sold: number;
  readonly refused: number;
  readonly failed: number;
  readonly waiting: number;
}

export interface SaleTrialLedger {
  readonly ok: boolean;
  readonly verdict: string;
  readonly soldUnits: number;
  readonly oversold: number;
  readonly unexplained: number;
}

export interface SaleTrial extends SaleTrialRequest {
  readonly id: string;
  readonly productId: string;
  readonly state: SaleTrialState;
  readonly asked: number;
  readonly sold: number;
  readonly refused: readonly CodeCount[];
  readonly failed: readonly CodeCount[];
  readonly waiting: number;
  readonly lastAnswerMs: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly history: readonly SaleTrialPoint[];
  readonly ledger: SaleTrialLedger | null;
  readonly problem: string | null;
}

export interface SaleTrials {
  /** The trial that has begun, or the one that still runs and kept it from beginning. */
  start(request: SaleTrialRequest): { readonly begun: boolean; readonly trial: SaleTrial };
  /** The last one that was started; null where none was. */
  latest(): SaleTrial | null;
  /** Ends it. Null where the last one has another id. */
  stop(id: string): SaleTrial | null;
}

export const TRIAL_BUYERS_MAX = 5_000;
export const TRIAL_UNITS_MAX = 100_000;
export const TRIAL_SERVERS_MAX = 4;
/** Points of a history; a longer sale has them further apart. */
export const TRIAL_POINTS_MAX = 240;
/** Distinct codes; what does not fit is counted under the last one. */
export const TRIAL_CODES_MAX = 20;
