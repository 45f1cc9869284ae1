/**
 * A request to deduct or increase stock: its form and its bounds.
 *
 * A malformed request is refused as a whole before anything is locked. A quantity out of range is refused for its line
 * alone.
 */
import type { Deadline } from '../time/deadline.js';
import { InvalidRequestError, checkId, checkText, type Operations } from './operation.js';
import {
  DEFAULT_LOCATION_ID,
  LINES_MAX,
  type BatchMode,
  type DecidedVerdict,
  type LineChange,
  type Operation,
  type StockLine,
} from './stock.js';

export interface StockRequest {
  readonly items: readonly LineRequest[];
  readonly mode: BatchMode;
  readonly idempotencyKey?: string | null | undefined;
  readonly reason?: string | null | undefined;
  readonly reference?: string | null | undefined;
  readonly maxWaitMs?: number | null | undefined;
}

/** The principal and the deadline of a request. */
export interface Caller {
  /** The principal's stable name, by which idempotency keys are scoped; null where none is needed. */
  readonly principal: string | null;
  /** Whether the caller may see and end reservations of other principals. */
  readonly mayManage?: boolean;
  /** A transaction does not begin after it has passed or the caller has hung up. */
  readonly deadline: Deadline;
}

export interface LineResult {
  readonly line: StockLine;
  readonly verdict: DecidedVerdict;
}

export interface StockResponse {
  /** One result for each line, in the order of the request. */
  readonly results: readonly LineResult[];
  readonly successfulItems: readonly LineResult[];
  readonly failedItems: readonly LineResult[];
  /** True if every result is a stored answer. */
  readonly replayed: boolean;
}

/** The key was used for other input or another operation, or its answer has expired. Nothing was applied. */
export class IdempotencyKeyReusedError extends Error {
  readonly code = 'IDEMPOTENCY_KEY_REUSED' as const;
  constructor(answerExpired: boolean) {
    super(
      answerExpired
        ? 'This idempotencyKey was used before, and its answer has expired. Use a new key.'
        : 'This idempotencyKey was used before for other input or another operation. Use a new key.',
    );
    this.name = 'IdempotencyKeyReusedError';
  }
}

/** A well-formed request. */
export interface CheckedRequest {
  readonly lines: readonly StockLine[];
  readonly mode: BatchMode;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly operation: Operation;
  /** Null: the server's own bound. */
  readonly maxWaitMs: number | null;
}

export type LinesOperation = 'deductStock' | 'increaseStock';

const CHANGES: Readonly<Record<LinesOperation, LineChange>> = {
  deductStock: { type: 'TAKE', kind: 'DEDUCTION' },
  increaseStock: { type: 'PUT', kind: 'INCREASE' },
};

/** @throws InvalidRequestError if the request is malformed. */
export function checkRequest(
  operations: Operations,
  name: LinesOperation,
  request: StockRequest,
  principal: string | null,
): CheckedRequest {
  const lines = checkLines(request.items, CHANGES[name]);
  const { mode } = request;
  const reason = checkText(request.reason, 'reason');
  const reference = checkText(request.reference, 'reference');
  const maxWaitMs = checkMaxWait(request.maxWaitMs);
  const meaning = [mode, reason, reference, meaningOfLines(lines)];
  const operation = operations.identify(name, principal, request.idempotencyKey, meaning);
  return { lines, mode, reason, reference, operation, maxWaitMs };
}

/** It is no part of a request's meaning: a retry under the same key may wait longer. @throws InvalidRequestError */
export function checkMaxWait(maxWaitMs: number | null | undefined): number | null {
  if (maxWaitMs == null) return null;
  if (maxWaitMs >= 1) return maxWaitMs;
  throw new InvalidRequestError(`maxWaitMs must be 1 or more; got ${maxWaitMs}.`, 'maxWaitMs');
}

export interface LineRequest {
  readonly productId: string;
  readonly quantity: number;
  readonly locationId?: string | null | undefined;
}

/** @throws InvalidRequestError for too few lines, too many, or malformed ids. */
export function checkLines(items: readonly LineRequest[], change: LineChange): StockLine[] {
  if (items.length === 0 || items.length > LINES_MAX) {
    throw new InvalidRequestError(
      `A request must have 1 to ${LINES_MAX} lines; got ${items.length}.`,
      'items',
    );
  }
  return items.map((item, index): StockLine => {
    const locationId = item.locationId ?? DEFAULT_LOCATION_ID;
    checkId(item.productId, `items[${index}].productId`);
    checkId(locationId, `items[${index}].locationId`);
    return { index, productId: item.productId, locationId, quantity: item.quantity, change };
  });
}

/** The part of a request that must be equal in a repetition under the same key. */
export function meaningOfLines(lines: readonly StockLine[]): readonly unknown[] {
  return lines.map((line) => [line.productId, line.locationId, line.quantity]);
}
