/**
 * Answers as they are stored under an idempotency key. Values that the repeated request contains are not stored.
 */
import type { ReservationFailure } from '../../inventory/reservation.js';
import {
  movementId,
  type StockFailure,
  type StockLine,
  type Verdict,
} from '../../inventory/stock.js';
import type { OperationLineRow } from './stock-statements.js';

export type StoredAnswer = Omit<OperationLineRow, 'scope' | 'idempotencyKey'>;

const NOTHING_MORE = { requested: null, available: null, sequence: null } as const;

export function storedVerdict(lineIndex: number, verdict: Verdict): StoredAnswer {
  if (verdict.outcome === 'APPLIED') {
    const { remaining, movementId: id } = verdict;
    const sequence = id === null ? null : Number(id.slice(id.lastIndexOf('/') + 1));
    return { ...NOTHING_MORE, lineIndex, outcome: 'APPLIED', available: remaining, sequence };
  }
  const { failure } = verdict;
  const outcome = failure.code;
  switch (failure.code) {
    case 'INSUFFICIENT_STOCK': {
      const { requested, available } = failure;
      return { ...NOTHING_MORE, lineIndex, outcome, requested, available };
    }
    case 'STALE_QUANTITY':
      return {
        ...NOTHING_MORE,
        lineIndex,
        outcome,
        requested: failure.expected,
        available: failure.actual,
      };
    default:
      return { ...NOTHING_MORE, lineIndex, outcome };
  }
}

export function verdictOf(line: StockLine, stored: StoredAnswer): Verdict {
  if (stored.outcome !== 'APPLIED') {
    return { outcome: 'REFUSED', failure: failureOf(line, stored) };
  }
  const { sequence, available } = stored;
  return {
    outcome: 'APPLIED',
    remaining: available ?? 0,
    movementId: sequence === null ? null : movementId(line, sequence),
  };
}

function failureOf(line: StockLine, stored: StoredAnswer): StockFailure {
  const available = stored.available ?? 0;
  switch (stored.outcome) {
    case 'INSUFFICIENT_STOCK':
      return {
        code: 'INSUFFICIENT_STOCK',
        requested: stored.requested ?? line.quantity,
        available,
      };
    case 'STALE_QUANTITY':
      return { code: 'STALE_QUANTITY', expected: stored.requested ?? 0, actual: available };
    case 'PRODUCT_NOT_FOUND':
    case 'LOCATION_NOT_FOUND':
    case 'INVALID_QUANTITY':
      return { code: stored.outcome };
    case 'ABORTED':
      // Only final answers are stored, so the line that aborted this one was final, too.
      return { code: 'ABORTED', retryable: false };
    default:
      throw new Error(`Unknown outcome of a stored answer: ${stored.outcome}.`);
  }
}

const RESERVATION_STATUSES = {
  RESERVATION_ACTIVE: 'ACTIVE',
  RESERVATION_COMMITTED: 'COMMITTED',
  RESERVATION_RELEASED: 'RELEASED',
  RESERVATION_EXPIRED: 'EXPIRED',
} as const;

/** A write that was refused as a whole is stored as its line 0. */
export function storedRefusal(failure: ReservationFailure): StoredAnswer {
  const outcome =
    failure.code === 'RESERVATION_NOT_ACTIVE' ? `RESERVATION_${failure.status}` : failure.code;
  return { ...NOTHING_MORE, lineIndex: 0, outcome };
}

/** Null where the answer is one line's. */
export function refusalOf({ outcome }: StoredAnswer): ReservationFailure | null {
  if (outcome === 'RESERVATION_NOT_FOUND') return { code: outcome };
  if (!Object.hasOwn(RESERVATION_STATUSES, outcome)) return null;
  const status = RESERVATION_STATUSES[outcome as keyof typeof RESERVATION_STATUSES];
  return { code: 'RESERVATION_NOT_ACTIVE', status };
}
