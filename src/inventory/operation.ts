/**
 * The rules for values that all requests share, and the recognition of repeated requests.
 *
 * The fingerprint is a hash of the request's meaning: an absent value and its default, or another order of the JSON
 * keys, give the same fingerprint.
 */
import { hash } from 'node:crypto';
import type { RandomBytes } from '../time/clock.js';
import { isValidId, type Operation, type OperationName } from './stock.js';

/** The request is malformed. Nothing was applied. */
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

/** An invalid value of an input that is returned as a result instead of an error. */
export interface InvalidInput {
  readonly outcome: 'INVALID';
  readonly field: string;
  readonly message: string;
}

export function invalidInput(field: string, message: string): InvalidInput {
  return { outcome: 'INVALID', field, message };
}

const OPERATION_ID_BYTES = 32;
const RESERVATION_ID_BYTES = 18;
const IDEMPOTENCY_KEY_CHARS_MAX = 255;
const TEXT_CHARS_MAX = 255;
const QUOTED_CHARS_MAX = 80;
/** A request without a key is never compared with another one. */
const NEVER_COMPARED = Buffer.alloc(0);
/** The scope of keys without authentication. */
const ANONYMOUS_SCOPE = '';
/** Wide enough to count every operation of a process. */
const COUNTER_BYTES = 6;

/** @throws InvalidRequestError */
export function checkId(id: string, field: string): void {
  if (!isValidId(id)) throw new InvalidRequestError(idRule(id), field);
}

/** The message for an id of the wrong form. */
export function idRule(got: string): string {
  return `An id must have 1 to 64 characters of A-Z a-z 0-9 . _ : - ; got ${quoted(got)}.`;
}

/** The text as JSON for a message, shortened to a length that a message can have. */
export function quoted(text: string): string {
  return JSON.stringify(
    text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}…` : text,
  );
}

/** Absent and null are the same. @throws InvalidRequestError */
export function checkText(text: string | null | undefined, field: string): string | null {
  if (text == null) return null;
  if (!text.isWellFormed()) throw new InvalidRequestError(surrogateRule(field), field);
  const characters = Array.from(text).length;
  if (characters > TEXT_CHARS_MAX) {
    throw new InvalidRequestError(
      `${field} must have at most ${TEXT_CHARS_MAX} characters; got ${characters}.`,
      field,
    );
  }
  return text;
}

/** The operations of one process. */
export class Operations {
  private readonly idPrefix: Buffer;
  private begun = 0;

  constructor(private readonly randomBytes: RandomBytes) {
    this.idPrefix = randomBytes(OPERATION_ID_BYTES - COUNTER_BYTES);
  }

  /**
   * @param meaning what must be equal, besides the operation's name, when the key is used again; as JSON.
   * @throws InvalidRequestError if the key is malformed.
   */
  identify(
    name: OperationName,
    principal: string | null,
    givenKey: string | null | undefined,
    meaning: readonly unknown[],
  ): Operation {
    const idempotencyKey = checkIdempotencyKey(givenKey ?? null);
    if (idempotencyKey === null) return this.withoutKey(name, principal);
    const scope = principal ?? ANONYMOUS_SCOPE;
    return {
      name,
      principal,
      scope,
      idempotencyKey,
      id: operationIdOf(scope, idempotencyKey),
      fingerprint: sha256(JSON.stringify([name, ...meaning])),
    };
  }

  /** An operation that never counts as the repetition of another one. */
  withoutKey(name: OperationName, principal: string | null): Operation {
    return keyless(name, principal, this.freshId());
  }

  /** An id that cannot be guessed. */
  newReservationId(): string {
    return this.randomBytes(RESERVATION_ID_BYTES).toString('base64url');
  }

  /**
   * A random prefix for the process and a counter: the ids of a process are adjacent in the ledger's index, where
   * random ids would touch a page each.
   */
  private freshId(): Buffer {
    const id = Buffer.allocUnsafe(OPERATION_ID_BYTES);
    this.idPrefix.copy(id);
    this.begun += 1;
    id.writeUIntBE(this.begun, OPERATION_ID_BYTES - COUNTER_BYTES, COUNTER_BYTES);
    return id;
  }
}

/**
 * The only form in which the storage knows a key. JSON keeps scope and key apart. Stored ids depend on this form.
 *
 * @param scope the principal's name; empty without authentication.
 */
export function operationIdOf(scope: string, idempotencyKey: string): Buffer {
  return sha256(JSON.stringify([scope, idempotencyKey]));
}

/** An expiry writes nothing under an operation's id, so all of them can share one. */
export const EXPIRY = keyless('expireReservations', null, Buffer.alloc(OPERATION_ID_BYTES));

function keyless(name: OperationName, principal: string | null, id: Buffer): Operation {
  const scope = principal ?? ANONYMOUS_SCOPE;
  return { name, principal, scope, idempotencyKey: null, id, fingerprint: NEVER_COMPARED };
}

function checkIdempotencyKey(key: string | null): string | null {
  if (key === null) return null;
  // Lone surrogates have no UTF-8 encoding: two different keys would be stored as one.
  if (!key.isWellFormed()) {
    throw new InvalidRequestError(surrogateRule('idempotencyKey'), 'idempotencyKey');
  }
  const characters = Array.from(key).length;
  if (characters < 1 || characters > IDEMPOTENCY_KEY_CHARS_MAX) {
    throw new InvalidRequestError(
      `idempotencyKey must have 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} characters; got ${characters}.`,
      'idempotencyKey',
    );
  }
  return key;
}

function surrogateRule(field: string): string {
  return `${field} must be well-formed Unicode; got half of a surrogate pair.`;
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
