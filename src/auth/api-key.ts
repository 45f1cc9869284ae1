/**
 * An API key is `prefix.secret`. The prefix identifies the key and may be shown. The secret is 256 random bits, of
 * which only the SHA-256 is stored. They cannot be guessed, so a slow hash would cost time and protect nothing.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { UnauthenticatedError, type Scope } from './principal.js';

/** Identifies the key to people and to secret scanners. */
const BRAND = 'stockade_';
const PREFIX_BYTES = 6;
const SECRET_BYTES = 32;
const FORM = /^(stockade_[0-9a-f]{12})\.([\w-]{43})$/;
const NAME_FORM = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** A key as it is stored, without its secret. */
export interface ApiKey {
  readonly prefix: string;
  /** The principal's name; several keys may share it. */
  readonly name: string;
  readonly secretSha256: Buffer;
  readonly scopes: ReadonlySet<Scope>;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface ApiKeyListing extends ApiKey {
  readonly createdAt: Date;
}

export interface NewSecret {
  readonly prefix: string;
  readonly secretSha256: Buffer;
  /** The whole key. It is shown once and not stored. */
  readonly key: string;
}

/** 1 to 63 characters without a colon, so that a key's name never equals a JWT's principal (`jwt:…`). */
export function isValidKeyName(name: string): boolean {
  return NAME_FORM.test(name);
}

export function newSecret(): NewSecret {
  const prefix = `${BRAND}${randomBytes(PREFIX_BYTES).toString('hex')}`;
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { prefix, secretSha256: sha256(secret), key: `${prefix}.${secret}` };
}

/** @throws UnauthenticatedError where the credential has not the form of a key. */
export function splitKey(credential: string): { readonly prefix: string; readonly secret: string } {
  const [, prefix, secret] = FORM.exec(credential) ?? [];
  if (prefix === undefined || secret === undefined) throw new UnauthenticatedError(REFUSAL);
  return { prefix, secret };
}

/** Compares in constant time. */
export function isSecretOf(key: Pick<ApiKey, 'secretSha256'>, secret: string): boolean {
  const given = sha256(secret);
  return given.length === key.secretSha256.length && timingSafeEqual(given, key.secretSha256);
}

/** The same for every reason, so that a client cannot find out which prefixes exist. */
export const REFUSAL = 'The API key is unknown, expired or revoked. Use a valid one.';

function sha256(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}
