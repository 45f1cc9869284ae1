/**
 * A request to take stock out or put it in, line by line: its form and its bounds.
 *
 * A request that is out of form is refused whole, before anything is locked; a quantity out of range is not: it is
 * answered line by line.
 */
import type { Deadline } from '../time/deadline.js';
import { InvalidRequestError, checkId, checkText, identifyOperation } from './operation.js';
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
}

/** Who asks, and how long an answer is of use. */
export interface Caller {
  /** The principal's stable name, by which idempotency keys are scoped; null where none is needed. */
  readonly principal: string | null;
  /** What has not begun when it passes, or when the caller has gone, is left undone. */
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
  /** True where this call decided no line. */
  readonly replayed: boolean;
}

/** The key was used before, for other input or another operation, or too long ago. Nothing was done. */
export class IdempotencyKeyReusedError extends Error {
  readonly code = 'IDEMPOTENCY_KEY_REUSED' as const;
  constructor(answerExpired: boolean) {
    super(
      answerExpired
        ? 'This idempotencyKey was used before, and its answer has expired.'
        : 'This idempotencyKey was used before for other input or another operation.',
    );
    this.name = 'IdempotencyKeyReusedError';
  }
}

/** A request whose form is right, with what the rest of the domain needs of it. */
export interface CheckedRequest {
  readonly lines: readonly StockLine[];
  readonly mode: BatchMode;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly operation: Operation;
}

export type LinesOperation = 'deductStock' | 'increaseStock';

const CHANGES: Readonly<Record<LinesOperation, LineChange>> = {
  deductStock: { type: 'TAKE', kind: 'DEDUCTION' },
  increaseStock: { type: 'PUT', kind: 'INCREASE' },
};

/** @throws InvalidRequestError where the form is not kept. */
export function checkRequest(
  name: LinesOperation,
  request: StockRequest,
  principal: string | null,
): CheckedRequest {
  const lines = checkLines(request.items, CHANGES[name]);
  const { mode } = request;
  const reason = checkText(request.reason, 'reason');
  const reference = checkText(request.reference, 'reference');
  const meaning = [mode, reason, reference, meaningOfLines(lines)];
  const operation = identifyOperation(name, principal, request.idempotencyKey, meaning);
  return { lines, mode, reason, reference, operation };
}

/** What a client asks of one line. */
export interface LineRequest {
  readonly productId: string;
  readonly quantity: number;
  readonly locationId?: string | null | undefined;
}

/** @throws InvalidRequestError where there are too few, too many, or ids out of form. */
export function checkLines(items: readonly LineRequest[], change: LineChange): StockLine[] {
  if (items.length === 0) throw new InvalidRequestError('At least one line is needed.', 'items');
  if (items.length > LINES_MAX) {
    throw new InvalidRequestError(
      `At most ${LINES_MAX} lines are allowed, got ${items.length}.`,
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

/** What makes lines the same lines when they come again. */
export function meaningOfLines(lines: readonly StockLine[]): readonly unknown[] {
  return lines.map((line) => [line.productId, line.locationId, line.quantity]);
}
