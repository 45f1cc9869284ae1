/** What the parts of an attempt of MemoryStockStore hand to each other, and how its errors and its answers are told. */
import { isDoubtful } from '../inventory/delegated-write.js';
import { withLevelsWritten, type Plan } from '../inventory/decision.js';
import type { ReservationFailure } from '../inventory/reservation.js';
import {
  isPossible,
  type DecidedVerdict,
  type LevelLookup,
  type Place,
  type StockFailure,
  type StockLevelState,
  type StockWrite,
} from '../inventory/stock.js';
import {
  ROWS_LOCKED_RETRY_AFTER_MS,
  type ApplyOptions,
  type WriteResult,
} from '../inventory/stock-store.js';
import { RowLockTimeoutError, type MemoryTransaction } from './memory-database.js';
import { ConnectionLostError } from './transaction-faults.js';

/** Another transaction was faster. Nothing was applied. */
export class LostRaceError extends Error {}

/** A row is there already: another process has written it for the same operation. Nothing was applied. */
export class DuplicateError extends Error {}

export const ATTEMPTS_MAX = { LOST_RACE: 10, ROWS_LOCKED: 100, UNREACHABLE: 4 } as const;
export const BACKOFF = { firstMs: 20, maxMs: 500 };
export const ATTEMPT_MIN_MS = 5;

type Fault = keyof typeof ATTEMPTS_MAX;

/** The decisions of earlier calls on a write. */
export interface Claim {
  readonly write: StockWrite;
  readonly key: string | null;
  readonly reused: 'BY_ANOTHER' | 'EXPIRED' | null;
  /** Its own process has gone on with a later attempt. */
  readonly withdrawn: boolean;
  readonly refused: { readonly failure: ReservationFailure; readonly replayed: boolean } | null;
  readonly decided: Map<number, DecidedVerdict>;
}

/** State of one call across its attempts: the answers that were stored before its first COMMIT. */
export type AnsweredBefore = Map<string, ReadonlySet<number>>;

export interface Attempt {
  readonly transaction: MemoryTransaction;
  readonly options: ApplyOptions;
  readonly rowsAreLocked: boolean;
  /** An earlier attempt of this call may have been applied. */
  readonly mayHaveLeftTraces: boolean;
  /** That, or an attempt of another process may have been. */
  readonly tracesAreSought: boolean;
  readonly answeredBefore: AnsweredBefore;
}

export interface Applied {
  readonly results: readonly WriteResult[];
  readonly levels: readonly StockLevelState[];
}

export function faultOf(error: unknown): Fault {
  if (error instanceof LostRaceError || error instanceof DuplicateError) return 'LOST_RACE';
  if (error instanceof RowLockTimeoutError) return 'ROWS_LOCKED';
  if (error instanceof ConnectionLostError) return 'UNREACHABLE';
  throw error;
}

export function operationKeyOf({ operation }: StockWrite): string | null {
  return operation.idempotencyKey === null ? null : operation.id.toString('hex');
}

/** The write without its decided lines. A reservation is created or closed as a whole. */
export function openPart({ write, reused, refused, withdrawn, decided }: Claim): StockWrite {
  if (reused || refused || withdrawn) return { ...write, type: 'LINES', lines: [] };
  if (decided.size === 0) return write;
  return { ...write, type: 'LINES', lines: write.lines.filter(({ index }) => !decided.has(index)) };
}

/** The plan, with the levels of lines that a doubtful write refuses: they are written, so their versions rise. */
export function withWithdrawnLevels(
  plan: Plan,
  claims: readonly Claim[],
  level: (place: Place) => LevelLookup,
): Plan {
  const places = claims.flatMap(({ write }) =>
    isDoubtful(write) ? write.lines.filter(isPossible) : [],
  );
  return withLevelsWritten(plan, places, level);
}

const ROWS_LOCKED = { code: 'LOCK_TIMEOUT', retryAfterMs: ROWS_LOCKED_RETRY_AFTER_MS } as const;

export function undecided(
  write: StockWrite,
  how: { readonly isLocked: boolean; readonly waitedMs: number; readonly settling: boolean },
): WriteResult {
  const mayHaveApplied = how.settling || isDoubtful(write);
  const retryable = !mayHaveApplied || write.operation.idempotencyKey !== null;
  const failure: StockFailure =
    how.isLocked && !mayHaveApplied
      ? { ...ROWS_LOCKED, waitedMs: how.waitedMs }
      : { code: 'UNAVAILABLE', mayHaveApplied, retryable };
  return { outcome: 'REFUSED', failure, replayed: false };
}
