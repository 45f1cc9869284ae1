/**
 * The door of every transport: who asks, and whether he asks too often. It comes before GraphQL reads anything, so what
 * nobody may ask costs no parsing.
 */
import type { Authenticator, Principal } from '../auth/principal.js';

export interface AdmissionSettings {
  /** Null: nobody needs a principal, and everybody may do everything. */
  readonly authenticator: Authenticator | null;
  /** Null: nobody is limited. @throws RateLimitedError */
  readonly requestLimit: { take(principal: string): Promise<void> } | null;
}

export class Admission {
  constructor(private readonly settings: AdmissionSettings) {}

  /**
   * @param authorization as in the header of that name; null where there is none.
   * @param address whom it came from, as in `203.0.113.7`.
   * @throws UnauthenticatedError, TooManyFailuresError, AuthenticationUnavailableError, RateLimitedError
   */
  async admit(authorization: string | null, address: string): Promise<Principal | null> {
    const { requestLimit } = this.settings;
    const principal = await this.identify(authorization, address);
    // No principal's name begins like this.
    if (requestLimit) await requestLimit.take(principal?.name ?? `address:${address}`);
    return principal;
  }

  /** Who asks, without counting it as a request. @throws as `admit`, but for RateLimitedError */
  async identify(authorization: string | null, address: string): Promise<Principal | null> {
    const { authenticator } = this.settings;
    return authenticator ? authenticator.authenticate(authorization, address) : null;
  }
}
