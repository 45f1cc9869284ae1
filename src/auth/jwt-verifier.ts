/**
 * Verifies JWTs of one issuer, for one audience, with the keys that the issuer publishes. Algorithms are pinned and
 * asymmetric: what the token says of itself decides nothing.
 *
 * The keys are fetched when first needed, again in the background when they are old, and once per cooldown where a
 * token names one that is not there. While the issuer is away the known ones go on being good for an hour.
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

/** All that may be configured: each has a public key of its own kind, so none can be mistaken for a shared secret. */
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

/** Two clocks may differ by so much. */
export const LEEWAY_SECONDS = 30;
const FETCH_TIMEOUT_MS = 2_000;
/** Between two fetches that succeed, whatever keys tokens name. */
export const KEYS_COOLDOWN_MS = 30_000;
/** Older keys are fetched again, by and by. */
const KEYS_FRESH_MS = 600_000;
/** Older keys are good for nothing. */
const KEYS_AGE_MAX_MS = 3_600_000;
/** After a fetch that failed, those who would wait for another one are refused at once for so long. */
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
    const { issuer, audience, algorithms } = this.settings;
    try {
      const { payload } = await jwtVerify(credential, this.getKey, {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: LEEWAY_SECONDS,
        requiredClaims: ['sub', 'exp'],
      });
      return toVerified(payload);
    } catch (error) {
      if (error instanceof AuthenticationUnavailableError) throw error;
      throw new UnauthenticatedError('The JWT is not valid here.', { cause: error });
    }
  }

  private readonly getKey: JWTVerifyGetKey = async (header, token) => {
    if (performance.now() - this.fetchedMs > KEYS_FRESH_MS && this.keys.fresh) {
      // The next one tries again; what it does not bring is not needed yet.
      this.keys.reload().catch(() => undefined);
    }
    try {
      return await this.keys(header, token);
    } catch (error) {
      if (FAULTS_OF_TOKEN.some((fault) => error instanceof fault)) throw error;
      throw new AuthenticationUnavailableError("The issuer's keys cannot be had now.", {
        cause: error,
      });
    }
  };

  private readonly fetchKeys: FetchImplementation = async (url, options) => {
    if (performance.now() - this.failedMs < FAILED_PAUSE_MS) {
      throw new Error('The last try to fetch the keys has only just failed.');
    }
    try {
      const response = await fetch(url, options);
      if (response.status !== 200) throw new Error(`The keys were answered by ${response.status}.`);
      this.fetchedMs = performance.now();
      return response;
    } catch (error) {
      this.failedMs = performance.now();
      throw error;
    }
  };
}

/** The keys are there, and none of them is the token's. */
const FAULTS_OF_TOKEN = [
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
  errors.JOSENotSupported,
] as const;

function toVerified({ sub = '', exp = 0, scope }: JWTPayload): Verified {
  if (sub === '' || !sub.isWellFormed() || Buffer.byteLength(sub) > SUBJECT_BYTES_MAX) {
    throw new Error(`A subject has 1 to ${SUBJECT_BYTES_MAX} bytes.`);
  }
  const words = typeof scope === 'string' ? scope.split(' ') : [];
  return {
    principal: { name: `${SUBJECT_PREFIX}${sub}`, scopes: toScopes(words) },
    expiresAtMs: (exp + LEEWAY_SECONDS) * 1_000,
  };
}
