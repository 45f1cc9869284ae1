/**
 * The principal that sends a request, and its scopes. A transport passes the client's credential to the authenticator
 * and gets a principal or an error; no other room knows how credentials are verified.
 */

/**
 * A permission. No scope implies another one.
 * `read`: all queries and subscriptions. `deduct`: what a buyer causes, which is deductions and reservations.
 * `manage`: what the shop's staff does, which is products, locations, increases, counts and transfers.
 */
export type Scope = 'read' | 'deduct' | 'manage';

export const SCOPES: readonly Scope[] = ['read', 'deduct', 'manage'];

export interface Principal {
  /**
   * Stable, unique, at most 255 bytes. The ledger records it, and idempotency keys are scoped by it. For an API key it
   * is the key's name, which has no colon; for a JWT it is `jwt:` and the subject.
   */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

export interface Authenticator {
  /**
   * @param authorization the `Authorization` header, `Bearer <API key or JWT>`; null without one.
   * @param address the client's; its failures are counted. Without it they are not.
   * @throws UnauthenticatedError where the credential is missing or not valid.
   * @throws TooManyFailuresError where this address failed too often in the last seconds.
   * @throws AuthenticationUnavailableError where the credential cannot be verified now.
   */
  authenticate(authorization: string | null, address?: string): Promise<Principal>;

  /**
   * Whether a credential that was accepted before would be refused now; false where it cannot be verified now. It
   * counts neither as a request nor as a failure of its client's address, whose failures do not stand in its way.
   */
  refuses(authorization: string | null): Promise<boolean>;
}

/** The scopes among the words; an unknown word grants nothing. */
export function toScopes(words: readonly string[]): ReadonlySet<Scope> {
  return new Set(SCOPES.filter((scope) => words.includes(scope)));
}

/** The credential is missing or not valid. The message is for the client and does not tell which keys exist. */
export class UnauthenticatedError extends Error {
  readonly code = 'UNAUTHENTICATED' as const;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnauthenticatedError';
  }
}

/** The address failed too often. Until the window ends its credentials are refused without verification. */
export class TooManyFailuresError extends Error {
  readonly code = 'TOO_MANY_FAILURES' as const;
  constructor(readonly retryAfterMs: number) {
    super(`Too many credentials from this address were refused; retry in ${retryAfterMs} ms.`);
    this.name = 'TooManyFailuresError';
  }
}

/** The credential could not be verified because keys were not reachable. It may be valid. */
export class AuthenticationUnavailableError extends Error {
  readonly code = 'AUTHENTICATION_UNAVAILABLE' as const;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AuthenticationUnavailableError';
  }
}
