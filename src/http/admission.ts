/**
 * Authentication and the rate limit of every transport. Both come before anything is parsed, so a refused request costs
 * little; the lines of a request are counted when they are known. Each refusal is logged.
 */
import { clientAt } from '../auth/network.js';
import {
  AuthenticationUnavailableError,
  TooManyFailuresError,
  UnauthenticatedError,
  type Authenticator,
  type Principal,
} from '../auth/principal.js';
import type { Charge } from '../graphql/context.js';
import type { RefusalKind, RefusalLog } from '../graphql/refusal-log.js';

export interface AdmissionSettings {
  /** Null: no authentication. Every caller may do everything. */
  readonly authenticator: Authenticator | null;
  /** Null: no rate limit. @throws RateLimitedError */
  readonly requestLimit: { take(principal: string, weight?: number): Promise<void> } | null;
  readonly refusals: RefusalLog;
}

export class Admission {
  constructor(private readonly settings: AdmissionSettings) {}

  /**
   * @param authorization the value of the header; null where there is none.
   * @param address the client's, as in `203.0.113.7`.
   * @throws UnauthenticatedError, TooManyFailuresError, AuthenticationUnavailableError, RateLimitedError
   */
  async admit(authorization: string | null, address: string): Promise<Principal | null> {
    const principal = await this.identify(authorization, address);
    await this.charge(principal, address, 1);
    return principal;
  }

  /** Counts the further weight of an admitted request; null without a rate limit. It throws RateLimitedError. */
  chargeOf(principal: Principal | null, address: string): Charge | null {
    if (!this.settings.requestLimit) return null;
    return (weight) => this.charge(principal, address, weight);
  }

  private async charge(principal: Principal | null, address: string, weight: number) {
    const { requestLimit, refusals } = this.settings;
    const name = principal?.name ?? null;
    try {
      await requestLimit?.take(name ?? clientAt(address), weight);
    } catch (error) {
      const reason = 'Requests or lines beyond the rate limit.';
      refusals.add({ kind: 'rate-limit', reason, address, principal: name });
      throw error;
    }
  }

  /** The caller's principal; does not count as a request. @throws as `admit`, except RateLimitedError */
  async identify(authorization: string | null, address: string): Promise<Principal | null> {
    const { authenticator, refusals } = this.settings;
    if (!authenticator) return null;
    try {
      return await authenticator.authenticate(authorization, address);
    } catch (error) {
      const kind = kindOf(error);
      if (kind) refusals.add({ kind, reason: reasonOf(error as Error), address });
      throw error;
    }
  }

  /** Whether anything can be refused before the request's body is read. */
  get isGuarded(): boolean {
    return this.settings.authenticator !== null;
  }
}

function kindOf(error: unknown): RefusalKind | null {
  if (error instanceof UnauthenticatedError) return 'credential';
  if (error instanceof TooManyFailuresError) return 'failure-limit';
  if (error instanceof AuthenticationUnavailableError) return 'credential-unverified';
  return null;
}

/** Adds the verifier's reason, which is logged and not sent to the client. */
function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
