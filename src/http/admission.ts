/**
 * Authentication and the rate limit of every transport. Both come before GraphQL parses anything, so a refused request
 * costs little.
 */
import { networkOf } from '../auth/network.js';
import type { Authenticator, Principal } from '../auth/principal.js';

export interface AdmissionSettings {
  /** Null: no authentication. Every caller may do everything. */
  readonly authenticator: Authenticator | null;
  /** Null: no rate limit. @throws RateLimitedError */
  readonly requestLimit: { take(principal: string): Promise<void> } | null;
}

export class Admission {
  constructor(private readonly settings: AdmissionSettings) {}

  /**
   * @param authorization the value of the header; null where there is none.
   * @param address the client's, as in `203.0.113.7`.
   * @throws UnauthenticatedError, TooManyFailuresError, AuthenticationUnavailableError, RateLimitedError
   */
  async admit(authorization: string | null, address: string): Promise<Principal | null> {
    const { requestLimit } = this.settings;
    const principal = await this.identify(authorization, address);
    // No principal's name begins with `address:`.
    if (requestLimit) await requestLimit.take(principal?.name ?? `address:${networkOf(address)}`);
    return principal;
  }

  /** The caller's principal; does not count as a request. @throws as `admit`, except RateLimitedError */
  async identify(authorization: string | null, address: string): Promise<Principal | null> {
    const { authenticator } = this.settings;
    return authenticator ? authenticator.authenticate(authorization, address) : null;
  }
}
