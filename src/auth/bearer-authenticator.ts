/**
 * Tells who presents a bearer credential: an API key and a JWT are told apart by their form. An outcome, good or bad,
 * is remembered for a few seconds, so that a busy principal costs neither a query nor a signature per request; the
 * same seconds are the longest that a revocation takes to reach this process.
 */
import { hash } from 'node:crypto';
import { BoundedCache } from './bounded-cache.js';
import type { CredentialVerifier, Verified } from './credential.js';
import { FailureLimit } from './failure-limit.js';
import { UnauthenticatedError, type Authenticator, type Principal } from './principal.js';

/** How long an outcome is remembered: the longest time from a revocation to its effect. */
export const REMEMBERED_MS = 5_000;
/** Of good ones and bad ones each, so that a flood of the bad ones does not push the good ones out. */
const REMEMBERED_MAX = 10_000;
const CREDENTIAL_CHARS_MAX = 8_192;

const BEARER = /^Bearer +([\w~+/.=-]+) *$/i;
const API_KEY_FORM = /^[^.]+\.[^.]+$/;
const JWT_FORM = /^[^.]+\.[^.]+\.[^.]*$/;

export interface BearerSettings {
  /** Null: API keys prove nobody here. */
  readonly apiKeys: CredentialVerifier | null;
  /** Null: JWTs prove nobody here. */
  readonly jwts: CredentialVerifier | null;
  /** Now, in milliseconds since 1970, as credentials count it. */
  readonly nowMs?: () => number;
}

export class BearerAuthenticator implements Authenticator {
  private readonly good = new BoundedCache<Principal>(REMEMBERED_MAX);
  private readonly bad = new BoundedCache<UnauthenticatedError>(REMEMBERED_MAX);
  private readonly underWay = new Map<string, Promise<Principal>>();
  private readonly failures = new FailureLimit();
  private readonly nowMs: () => number;
  private refused = 0;

  constructor(private readonly settings: BearerSettings) {
    this.nowMs = settings.nowMs ?? Date.now;
  }

  async authenticate(authorization: string | null, address?: string): Promise<Principal> {
    // Who brings nothing guesses nothing, and is not counted.
    if (authorization === null || authorization === '') {
      this.refused += 1;
      throw new UnauthenticatedError('An Authorization header with a Bearer credential is needed.');
    }
    // A good credential is heard also from an address that others guess from.
    const digest = digestOf(authorization);
    const known = this.good.get(digest, this.nowMs());
    if (known) return known;
    try {
      if (address !== undefined) this.failures.assertListening(address, this.nowMs());
      return await this.tell(digest, authorization);
    } catch (error) {
      this.refused += 1;
      if (error instanceof UnauthenticatedError && address !== undefined) {
        this.failures.count(address, this.nowMs());
      }
      throw error;
    }
  }

  /** How often the answer was no, since the start. */
  stats(): { readonly refused: number } {
    return { refused: this.refused };
  }

  private tell(digest: string, authorization: string): Promise<Principal> {
    const remembered = this.bad.get(digest, this.nowMs());
    if (remembered) return Promise.reject(remembered);
    const waiting = this.underWay.get(digest);
    if (waiting) return waiting;
    const telling = this.verify(digest, authorization).finally(() => {
      this.underWay.delete(digest);
    });
    this.underWay.set(digest, telling);
    return telling;
  }

  private async verify(digest: string, authorization: string): Promise<Principal> {
    // Counted from here: what is found was so at the latest when it was asked for.
    const rememberedUntilMs = this.nowMs() + REMEMBERED_MS;
    try {
      const credential = credentialOf(authorization);
      const { principal, expiresAtMs } = await this.verifierOf(credential).verify(credential);
      this.good.set(digest, principal, Math.min(rememberedUntilMs, expiresAtMs ?? Infinity));
      return principal;
    } catch (error) {
      if (error instanceof UnauthenticatedError) this.bad.set(digest, error, rememberedUntilMs);
      throw error;
    }
  }

  private verifierOf(credential: string): { verify(credential: string): Promise<Verified> } {
    const { apiKeys, jwts } = this.settings;
    if (apiKeys && API_KEY_FORM.test(credential)) return apiKeys;
    if (jwts && JWT_FORM.test(credential)) return jwts;
    throw new UnauthenticatedError('This kind of credential is not accepted.');
  }
}

/** Not the credential itself: a dump of the memory must not be a list of them. */
function digestOf(authorization: string): string {
  return hash('sha256', authorization, 'base64');
}

/** @throws UnauthenticatedError */
function credentialOf(authorization: string): string {
  if (authorization.length > CREDENTIAL_CHARS_MAX) {
    throw new UnauthenticatedError('The credential is too long.');
  }
  const credential = BEARER.exec(authorization)?.[1];
  if (credential === undefined) {
    throw new UnauthenticatedError('The Authorization header must be: Bearer <API key or JWT>.');
  }
  return credential;
}
