/**
 * The form that the values of every request are in, and how a request is recognised when it comes again.
 *
 * The fingerprint is taken over the request's meaning, so an absent value and its default, or another order of the JSON
 * keys, are the same request.
 */
import { hash, randomBytes } from 'node:crypto';
import { isValidId, type Operation, type OperationName } from './stock.js';

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

/** A value of an input that is answered for, and not a fault of the whole request. */
export interface InvalidInput {
  readonly outcome: 'INVALID';
  readonly field: string;
  readonly message: string;
}

export function invalidInput(field: string, message: string): InvalidInput {
  return { outcome: 'INVALID', field, message };
}

export const ID_RULE = 'An id is 1 to 64 characters of A-Z a-z 0-9 . _ : -';
const OPERATION_ID_BYTES = 32;
const IDEMPOTENCY_KEY_CHARS_MAX = 255;
const TEXT_CHARS_MAX = 255;
/** A request without a key never comes again. */
const NEVER_COMPARED = Buffer.alloc(0);
/** The scope of all keys while callers need no principal. */
const ANONYMOUS_SCOPE = '';

/** @throws InvalidRequestError */
export function checkId(id: string, field: string): void {
  if (!isValidId(id)) throw new InvalidRequestError(ID_RULE, field);
}

/** Absent and null are the same. @throws InvalidRequestError */
export function checkText(text: string | null | undefined, field: string): string | null {
  if (text == null) return null;
  if (!text.isWellFormed()) throw new InvalidRequestError('This is not well-formed text.', field);
  if (Array.from(text).length > TEXT_CHARS_MAX) {
    throw new InvalidRequestError(`At most ${TEXT_CHARS_MAX} characters are allowed.`, field);
  }
  return text;
}

/**
 * @param meaning all that must be equal when the key is used again, besides the operation's name; as JSON.
 * @throws InvalidRequestError where the key is out of form.
 */
export function identifyOperation(
  name: OperationName,
  principal: string | null,
  givenKey: string | null | undefined,
  meaning: readonly unknown[],
): Operation {
  const idempotencyKey = checkIdempotencyKey(givenKey ?? null);
  const scope = principal ?? ANONYMOUS_SCOPE;
  return {
    name,
    principal,
    scope,
    idempotencyKey,
    id: operationId(scope, idempotencyKey),
    fingerprint:
      idempotencyKey === null ? NEVER_COMPARED : sha256(JSON.stringify([name, ...meaning])),
  };
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

/** How many bytes count: more operations than a process can live to see. */
const COUNTER_BYTES = 6;

let processPrefix: Buffer | undefined;
let operationsBegun = 0;

/**
 * Random for each process, counted within it: the ids of a process lie beside each other in the ledger's index, where
 * random ones would touch a page each.
 */
function freshOperationId(): Buffer {
  const id = Buffer.allocUnsafe(OPERATION_ID_BYTES);
  processPrefix ??= randomBytes(OPERATION_ID_BYTES - COUNTER_BYTES);
  processPrefix.copy(id);
  operationsBegun += 1;
  id.writeUIntBE(operationsBegun, OPERATION_ID_BYTES - COUNTER_BYTES, COUNTER_BYTES);
  return id;
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
