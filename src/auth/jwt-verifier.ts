/**
 * Verifies JWTs of one issuer for one audience, with the keys that the issuer publishes. The algorithms are configured
 * and asymmetric; the token's own header never chooses one.
 *
 * The keys are fetched when first needed, in the background when they are old, and at most once per cooldown where no
 * known key fits a token: the issuer may have changed its keys. A token that names an unknown key within the cooldown
 * is not refused, because its key may have been published since the last fetch. While the issuer is unavailable, known
 * keys stay valid for an hour.
 */
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  jwtVerify,
  type FetchImplementation,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { CredentialVerifier, Verified } from './credential.js';
import { AuthenticationUnavailableError, UnauthenticatedError, toScopes } from './principal.js';

/** The algorithms that may be configured. All have public keys, so none can be mistaken for a shared secret. */
export const JWT_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly algorithms: readonly JwtAlgorithm[];
}

/** The allowed difference between the issuer's clock and ours. */
export const LEEWAY_SECONDS = 30;
const FETCH_TIMEOUT_MS = 2_000;
/** The least time between two successful fetches. */
export const KEYS_COOLDOWN_MS = 30_000;
/** Older keys are fetched again in the background. */
const KEYS_FRESH_MS = 600_000;
/** Older keys are not used. */
const KEYS_AGE_MAX_MS = 3_600_000;
/** How long after a failed fetch the next one fails at once. */
const FAILED_PAUSE_MS = 1_000;
/** Keeps the principal's name within the 255 bytes that it may have. */
const SUBJECT_BYTES_MAX = 200;
const SUBJECT_PREFIX = 'jwt:';

export class JwtVerifier implements CredentialVerifier {
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;
  private fetchedMs = -Infinity;
  private failedMs = -Infinity;

  constructor(private readonly settings: JwtSettings) {
    this.keys = createRemoteJWKSet(new URL(settings.jwksUrl), {
      timeoutDuration: FETCH_TIMEOUT_MS,
      cooldownDuration: KEYS_COOLDOWN_MS,
      cacheMaxAge: KEYS_AGE_MAX_MS,
      [customFetch]: this.fetchKeys,
    });
  }

  async verify(credential: string): Promise<Verified> {
    const arrivedMs = performance.now();
    try {
      try {
        return await this.verifyWithKnownKeys(credential, arrivedMs);
      } catch (error) {
        const unfit = error instanceof errors.JWSSignatureVerificationFailed;
        if (!unfit || !(await this.fetchAnew(arrivedMs))) throw error;
        return await this.verifyWithKnownKeys(credential, arrivedMs);
      }
    } catch (error) {
      if (error instanceof AuthenticationUnavailableError) throw error;
      throw new UnauthenticatedError('The JWT is not valid for this API. Get a new one.', {
        cause: error,
      });
    }
  }

  /** A verification costs a signature and no query, and keys are fetched once per cooldown. */
  mayBeValid(): Promise<boolean> {
    return Promise.resolve(true);
  }

  private async verifyWithKnownKeys(credential: string, arrivedMs: number): Promise<Verified> {
    const { issuer, audience, algorithms } = this.settings;
    const getKey: JWTVerifyGetKey = (header, token) => this.keyFor(header, token, arrivedMs);
    const { payload } = await jwtVerify(credential, getKey, {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: LEEWAY_SECONDS,
      requiredClaims: ['sub', 'exp'],
    });
    return toVerified(payload);
  }

  /** An issuer may change a key and keep its id, or publish keys without ids. Resolves with whether keys are newer. */
  private async fetchAnew(arrivedMs: number): Promise<boolean> {
    if (this.fetchedMs >= arrivedMs || this.keys.coolingDown) return false;
    return this.keys.reload().then(
      () => true,
      () => false,
    );
  }

  private async keyFor(
    header: Parameters<JWTVerifyGetKey>[0],
    token: Parameters<JWTVerifyGetKey>[1],
    arrivedMs: number,
  ): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    if (performance.now() - this.fetchedMs > KEYS_FRESH_MS && this.keys.fresh) {
      // A failure needs no handling: the keys are still valid, and the next request tries again.
      this.keys.reload().catch(() => undefined);
    }
    try {
      return await this.keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && this.fetchedMs < arrivedMs) {
        throw new AuthenticationUnavailableError(
          `The token's key is not among the issuer's keys, which were fetched less than ${KEYS_COOLDOWN_MS} ms ago.`,
          { cause: error },
        );
      }
      if (FAULTS_OF_TOKEN.some((fault) => error instanceof fault)) throw error;
      throw new AuthenticationUnavailableError("The issuer's keys could not be fetched.", {
        cause: error,
      });
    }
  }

  private readonly fetchKeys: FetchImplementation = async (url, options) => {
    if (performance.now() - this.failedMs < FAILED_PAUSE_MS) {
      throw new Error(
        `The last fetch of the issuer's keys failed less than ${FAILED_PAUSE_MS} ms ago.`,
      );
    }
    try {
      const response = await fetch(url, options);
      if (response.status !== 200)
        throw new Error(`The issuer's keys must be answered with 200; got ${response.status}.`);
      this.fetchedMs = performance.now();
      return response;
    } catch (error) {
      this.failedMs = performance.now();
      throw error;
    }
  };
}

/** Errors of the token: the keys were fetched, and none of them fits it. */
const FAULTS_OF_TOKEN = [
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
  errors.JOSENotSupported,
] as const;

function toVerified({ sub = '', exp = 0, scope }: JWTPayload): Verified {
  if (sub === '' || !sub.isWellFormed() || Buffer.byteLength(sub) > SUBJECT_BYTES_MAX) {
    throw new Error(
      `A subject must have 1 to ${SUBJECT_BYTES_MAX} bytes; got ${Buffer.byteLength(sub)}.`,
    );
  }
  const words = typeof scope === 'string' ? scope.split(' ') : [];
  return {
    principal: { name: `${SUBJECT_PREFIX}${sub}`, scopes: toScopes(words) },
    expiresAtMs: (exp + LEEWAY_SECONDS) * 1_000,
  };
}
