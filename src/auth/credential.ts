/** The contract of a verifier of one kind of credential: API keys or JWTs. */
import type { Principal } from './principal.js';

export interface Verified {
  readonly principal: Principal;
  /** When the credential expires, in milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null;
}

export interface CredentialVerifier {
  /**
   * @throws UnauthenticatedError where the credential is not valid.
   * @throws AuthenticationUnavailableError where it cannot be verified now.
   */
  verify(credential: string): Promise<Verified>;

  /**
   * Whether the credential is worth a verification although its client has failed too often. The cost of an answer
   * does not grow with the number of guesses.
   * @throws AuthenticationUnavailableError where that cannot be known now.
   */
  mayBeValid(credential: string): Promise<boolean>;
}
