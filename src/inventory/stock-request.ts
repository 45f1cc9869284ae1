/**
 * A request to take stock out or put it in: its form, its bounds, and how it is recognised when it comes again.
 *
 * A request that is out of form is refused whole, before anything is locked; a quantity out of range is not: it is
 * answered line by line. The fingerprint is taken over the request's meaning, so an absent value and its default,
 * or another order of the JSON keys, are the same request.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  DEFAULT_LOCATION_ID,
  LINES_MAX,
  isValidId,
  type BatchMode,
  type DecidedVerdict,
  type Operation,
  type OperationName,
  type StockLine,
} from './stock.js';

export interface StockRequest {
  readonly items: readonly {
    readonly productId: string;
    readonly quantity: number;
    readonly locationId?: string | null | undefined;
  }[];
  readonly mode: BatchMode;
  readonly idempotencyKey?: string | null | undefined;
  readonly reason?: string | null | undefined;
  readonly reference?: string | null | undefined;
}

/** Who asks, and how long an answer is of use. */
export interface Caller {
  /** The principal's stable name, by which idempotency keys are scoped; null where none is needed. */
  readonly principal: string | null;
  /** When the caller stops waiting, on the monotonic clock (`performance.now()`), in milliseconds. */
  readonly deadlineMs: number;
  /** Aborted when the caller has gone: what has not begun is left undone. */
  readonly signal?: AbortSignal | undefined;
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

/** The request is not in the form that the contract asks for. Nothing was done. */
export class InvalidRequestError extends Error {
  readonly code = 'INVALID_REQUEST' as const;
  constructor(
    message: string,
    readonly field: string,
  ) {
    super(message);
    this.name = 'InvalidRequestError';
  }
}

/** The key was used before, for other input or another operation. Nothing was done. */
export class IdempotencyKeyReusedError extends Error {
  readonly code = 'IDEMPOTENCY_KEY_REUSED' as const;
  constructor() {
    super('This idempotencyKey was used before for other input or another operation.');
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

const OPERATION_ID_BYTES = 32;
const IDEMPOTENCY_KEY_CHARS_MAX = 255;
const TEXT_CHARS_MAX = 255;
/** A request without a key never comes again. */
const NEVER_COMPARED = Buffer.alloc(0);
/** The scope of all keys while callers need no principal. */
const ANONYMOUS_SCOPE = '';

/** @throws InvalidRequestError where the form is not kept. */
export function checkRequest(
  name: OperationName,
  request: StockRequest,
  principal: string | null,
): CheckedRequest {
  if (request.items.length === 0) {
    throw new InvalidRequestError('At least one line is needed.', 'items');
  }
  if (request.items.length > LINES_MAX) {
    throw new InvalidRequestError(
      `At most ${LINES_MAX} lines are allowed, got ${request.items.length}.`,
      'items',
    );
  }
  const lines = request.items.map((item, index): StockLine => {
    const locationId = item.locationId ?? DEFAULT_LOCATION_ID;
    checkId(item.productId, `items[${index}].productId`);
    checkId(locationId, `items[${index}].locationId`);
    return { index, productId: item.productId, locationId, quantity: item.quantity };
  });
  const checked = {
    lines,
    mode: request.mode,
    reason: checkText(request.reason ?? null, 'reason'),
    reference: checkText(request.reference ?? null, 'reference'),
  };
  const idempotencyKey = checkIdempotencyKey(request.idempotencyKey ?? null);
  const scope = principal ?? ANONYMOUS_SCOPE;
  return {
    ...checked,
    operation: {
      name,
      principal,
      scope,
      idempotencyKey,
      id: operationId(scope, idempotencyKey),
      fingerprint: idempotencyKey === null ? NEVER_COMPARED : fingerprint(name, checked),
    },
  };
}

function checkId(id: string, field: string): void {
  if (!isValidId(id)) {
    throw new InvalidRequestError('An id is 1 to 64 characters of A-Z a-z 0-9 . _ : -', field);
  }
}

function checkText(text: string | null, field: string): string | null {
  if (text === null) return null;
  if (!text.isWellFormed()) throw new InvalidRequestError('This is not well-formed text.', field);
  if (Array.from(text).length > TEXT_CHARS_MAX) {
    throw new InvalidRequestError(`At most ${TEXT_CHARS_MAX} characters are allowed.`, field);
  }
  return text;
}

function checkIdempotencyKey(key: string | null): string | null {
  if (key === null) return null;
  // A lone surrogate has no bytes of its own: two different keys would be stored as one.
  if (key === '' || !key.isWellFormed() || Array.from(key).length > IDEMPOTENCY_KEY_CHARS_MAX) {
    throw new InvalidRequestError(
      `An idempotencyKey is 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} characters of well-formed text.`,
      'idempotencyKey',
    );
  }
  return key;
}

/** The same key in the same scope is the same operation; without a key each call is one of its own. */
function operationId(scope: string, idempotencyKey: string | null): Buffer {
  if (idempotencyKey === null) return freshOperationId();
  return sha256(JSON.stringify([scope, idempotencyKey]));
}

let processPrefix: Buffer | undefined;
let operationsBegun = 0n;

/**
 * Random for each process, counted within it: the ids of a process lie beside each other in the ledger's index, where
 * random ones would touch a page each.
 */
function freshOperationId(): Buffer {
  const id = Buffer.allocUnsafe(OPERATION_ID_BYTES);
  processPrefix ??= randomBytes(OPERATION_ID_BYTES - 8);
  processPrefix.copy(id);
  operationsBegun += 1n;
  id.writeBigUInt64BE(operationsBegun, OPERATION_ID_BYTES - 8);
  return id;
}

function fingerprint(name: OperationName, request: Omit<CheckedRequest, 'operation'>): Buffer {
  return sha256(
    JSON.stringify([
      name,
      request.mode,
      request.reason,
      request.reference,
      request.lines.map((line) => [line.productId, line.locationId, line.quantity]),
    ]),
  );
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
