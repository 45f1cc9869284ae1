/**
 * Who asks, and what he may do. A transport hands over what the client presented and gets a principal or an error; how
 * the principal was told is nobody else's business.
 */

/**
 * What a principal may do; each stands for itself and implies no other:
 * `read` all queries and subscriptions, `deduct` what a buyer causes (deductions and reservations), `manage` what the
 * shop's staff does (products, locations, increases, counts, transfers).
 */
export type Scope = 'read' | 'deduct' | 'manage';

export const SCOPES: readonly Scope[] = ['read', 'deduct', 'manage'];

export interface Principal {
  /**
   * Stable, at most 255 bytes, and unique: the ledger records it and idempotency keys are scoped by it. An API key's is
   * the key's name, a JWT's is `jwt:` and its subject; a key's name has no colon.
   */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

export interface Authenticator {
  /**
   * @param authorization the value of the `Authorization` header, `Bearer <API key or JWT>`; null where there is none.
   * @param address where it came from, by which failures are counted; without one they are not.
   * @throws UnauthenticatedError where it proves nobody.
   * @throws TooManyFailuresError where too much from this address has proved nobody lately.
   * @throws AuthenticationUnavailableError where it could not be looked up, so that nobody knows.
   */
  authenticate(authorization: string | null, address?: string): Promise<Principal>;
}

/** The known ones of the words that are given; a word that is not known grants nothing. */
export function toScopes(words: readonly string[]): ReadonlySet<Scope> {
  return new Set(SCOPES.filter((scope) => words.includes(scope)));
}

/** What was presented proves nobody. The message is for the client and tells nothing of what is known here. */
export class UnauthenticatedError extends Error {
  readonly code = 'UNAUTHENTICATED' as const;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnauthenticatedError';
  }
}

/** Too much from one address has proved nobody; what it presents is not looked at for a while. */
export class TooManyFailuresError extends Error {
  readonly code = 'TOO_MANY_FAILURES' as const;
  constructor(readonly retryAfterMs: number) {
    super('Too many credentials from this address were refused.');
    this.name = 'TooManyFailuresError';
  }
}

/** The keys that are needed to tell could not be reached. It is no statement about who asks. */
export class AuthenticationUnavailableError extends Error {
  readonly code = 'AUTHENTICATION_UNAVAILABLE' as const;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AuthenticationUnavailableError';
  }
}
