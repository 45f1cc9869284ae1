/**
 * Authenticates bearer credentials: an API key and a JWT differ by their form. An outcome, valid or not, is cached for
 * two seconds, so that a busy principal costs neither a query nor a signature per request. This is also the longest
 * time until a revocation takes effect for a new request. An open WebSocket is checked again at an interval, and the
 * two times together stay below the 5 seconds that the documentation promises.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CredentialVerifier } from './credential.js';
import { FailureLimit } from './failure-limit.js';
import {
  TooManyFailuresError,
  UnauthenticatedError,
  type Authenticator,
  type Principal,
} from './principal.js';

/** How long an outcome is cached, which is the longest time from a revocation to its effect on a request. */
export const CACHED_MS = 2_000;
/** Of valid and of invalid credentials each, so that a flood of invalid ones does not evict the valid ones. */
const CACHED_MAX = 10_000;
const CREDENTIAL_CHARS_MAX = 8_192;

const BEARER = /^Bearer +([\w~+/.=-]+) *$/i;
const API_KEY_FORM = /^[^.]+\.[^.]+$/;
const JWT_FORM = /^[^.]+\.[^.]+\.[^.]*$/;

export interface BearerSettings {
  /** Null: API keys are not accepted. */
  readonly apiKeys: CredentialVerifier | null;
  /** Null: JWTs are not accepted. */
  readonly jwts: CredentialVerifier | null;
  /** Refused credentials of one address in ten seconds; further ones are not verified. */
  readonly failuresMaxPerAddress: number;
  /** Now, in milliseconds since 1970. */
  readonly nowMs?: () => number;
}

interface Cached<Outcome> {
  readonly outcome: Outcome;
  readonly untilMs: number;
}

export class BearerAuthenticator implements Authenticator {
  private readonly valid = new LRUCache<string, Cached<Principal>>({ max: CACHED_MAX });
  private readonly invalid = new LRUCache<string, Cached<UnauthenticatedError>>({
    max: CACHED_MAX,
  });
  /** Credentials that were valid once; a later verification may refuse them. */
  private readonly provedOnce = new LRUCache<string, true>({ max: CACHED_MAX });
  private readonly verifying = new Map<string, Promise<Principal>>();
  private readonly failures: FailureLimit;
  private readonly nowMs: () => number;
  private refused = 0;

  constructor(private readonly settings: BearerSettings) {
    this.failures = new FailureLimit(settings.failuresMaxPerAddress);
    this.nowMs = settings.nowMs ?? Date.now;
  }

  async authenticate(authorization: string | null, address?: string): Promise<Principal> {
    try {
      return await this.principalOf(authorization, address);
    } catch (error) {
      this.refused += 1;
      throw error;
    }
  }

  async refuses(authorization: string | null): Promise<boolean> {
    try {
      await this.principalOf(authorization, undefined);
      return false;
    } catch (error) {
      return error instanceof UnauthenticatedError;
    }
  }

  /** The number of refused requests since the start. */
  stats(): { readonly refused: number } {
    return { refused: this.refused };
  }

  private principalOf(
    authorization: string | null,
    address: string | undefined,
  ): Principal | Promise<Principal> {
    // Not counted as a failure of the address: a missing credential is no guess.
    if (authorization === null || authorization === '') {
      throw new UnauthenticatedError(
        'An Authorization header is needed; got none. Send "Bearer <API key or JWT>".',
      );
    }
    const digest = digestOf(authorization);
    const known = this.valid.get(digest);
    if (known && this.nowMs() < known.untilMs) return known.outcome;
    if (address === undefined) return this.verifyOnce(digest, authorization);
    return this.verifyWithinLimit(digest, authorization, address);
  }

  /** Counts a refusal as a failure of the address. Other clients of the address never lock a valid credential out. */
  private async verifyWithinLimit(
    digest: string,
    authorization: string,
    address: string,
  ): Promise<Principal> {
    const counted = this.failures.count(address, this.nowMs());
    if ('retryAfterMs' in counted) {
      return this.verifyBeyondLimit(digest, authorization, counted.retryAfterMs);
    }
    try {
      const principal = await this.verifyOnce(digest, authorization);
      counted.giveBack();
      return principal;
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) counted.giveBack();
      throw error;
    }
  }

  private async verifyBeyondLimit(
    digest: string,
    authorization: string,
    retryAfterMs: number,
  ): Promise<Principal> {
    try {
      const credential = credentialOf(authorization);
      const promising =
        this.provedOnce.has(digest) || (await this.verifierOf(credential).mayBeValid(credential));
      if (promising) return await this.verifyOnce(digest, authorization);
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) throw error;
    }
    throw new TooManyFailuresError(retryAfterMs);
  }

  /** Requests with the same credential at the same time share one verification. */
  private verifyOnce(digest: string, authorization: string): Promise<Principal> {
    const known = this.invalid.get(digest);
    if (known && this.nowMs() < known.untilMs) return Promise.reject(known.outcome);
    const running = this.verifying.get(digest);
    if (running) return running;
    const verification = this.verify(digest, authorization).finally(() => {
      this.verifying.delete(digest);
    });
    this.verifying.set(digest, verification);
    return verification;
  }

  private async verify(digest: string, authorization: string): Promise<Principal> {
    // Counted from the start of the verification, whose result may be as old as that.
    const untilMs = this.nowMs() + CACHED_MS;
    try {
      const credential = credentialOf(authorization);
      const { principal, expiresAtMs } = await this.verifierOf(credential).verify(credential);
      const validUntilMs = Math.min(untilMs, expiresAtMs ?? Infinity);
      this.valid.set(digest, { outcome: principal, untilMs: validUntilMs });
      this.provedOnce.set(digest, true);
      return principal;
    } catch (error) {
      if (error instanceof UnauthenticatedError) {
        this.invalid.set(digest, { outcome: error, untilMs });
        this.provedOnce.delete(digest);
      }
      throw error;
    }
  }

  private verifierOf(credential: string): CredentialVerifier {
    const { apiKeys, jwts } = this.settings;
    if (apiKeys && API_KEY_FORM.test(credential)) return apiKeys;
    if (jwts && JWT_FORM.test(credential)) return jwts;
    const accepted = [...(apiKeys ? ['API keys'] : []), ...(jwts ? ['JWTs'] : [])].join(' and ');
    throw new UnauthenticatedError(
      `This kind of credential is not accepted; accepted are ${accepted}.`,
    );
  }
}

/** The caches hold digests, so that a dump of the memory is not a list of credentials. */
function digestOf(authorization: string): string {
  return hash('sha256', authorization, 'base64');
}

/** @throws UnauthenticatedError */
function credentialOf(authorization: string): string {
  if (authorization.length > CREDENTIAL_CHARS_MAX) {
    throw new UnauthenticatedError(
      `The Authorization header must have at most ${CREDENTIAL_CHARS_MAX} characters; got ${authorization.length}.`,
    );
  }
  const credential = BEARER.exec(authorization)?.[1];
  if (credential === undefined) {
    throw new UnauthenticatedError(
      'The Authorization header must be "Bearer <API key or JWT>"; got another form.',
    );
  }
  return credential;
}
