/** What a verifier of one kind of credential promises: the one for API keys and the one for JWTs. */
import type { Principal } from './principal.js';

export interface Verified {
  readonly principal: Principal;
  /** When it ends by itself, in milliseconds since 1970; null where it does not. */
  readonly expiresAtMs: number | null;
}

export interface CredentialVerifier {
  /**
   * @throws UnauthenticatedError where it proves nobody.
   * @throws AuthenticationUnavailableError where nobody can tell.
   */
  verify(credential: string): Promise<Verified>;
}
