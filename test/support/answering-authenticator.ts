/** An authenticator over a verifier whose answers the test gives, at a time that the test sets. */
import { BearerAuthenticator } from '../../src/auth/bearer-authenticator.js';
import type { Verified } from '../../src/auth/credential.js';

/** The bound of the tests, which is the default. */
export const FAILURES_MAX = 20;

export interface AnsweringAuthenticator {
  readonly authenticator: BearerAuthenticator;
  readonly clock: { nowMs: number };
  /** The credentials that were verified, in their order. */
  readonly verified: readonly string[];
}

/** @param mayBeValid whether a credential is verified although its address has failed too often. */
export function answeringAuthenticator(
  answer: (credential: string) => Promise<Verified>,
  mayBeValid: (credential: string) => boolean = () => false,
): AnsweringAuthenticator {
  const clock = { nowMs: 1_000_000 };
  const verified: string[] = [];
  const authenticator = new BearerAuthenticator({
    apiKeys: {
      verify: (credential) => {
        verified.push(credential);
        return answer(credential);
      },
      mayBeValid: (credential) => Promise.resolve(mayBeValid(credential)),
    },
    jwts: null,
    failuresMaxPerAddress: FAILURES_MAX,
    nowMs: () => clock.nowMs,
  });
  return { authenticator, clock, verified };
}
