/** An issuer changes its keys: no good token is taken for a guess, and the new keys are known after the cooldown. */
import { jest } from '@jest/globals';
import { JwtVerifier, KEYS_COOLDOWN_MS } from '../../../src/auth/jwt-verifier.js';
import {
  AUDIENCE,
  ISSUER,
  KeyServer,
  newSigningKey,
  sign,
  type SigningKey,
} from '../../support/key-server.js';

const before = await newSigningKey('ES256', 'key-1');
let keyServer: KeyServer;
let verifier: JwtVerifier;

beforeEach(async () => {
  keyServer = await KeyServer.start([before]);
  const jwksUrl = keyServer.url;
  verifier = new JwtVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUrl,
    algorithms: ['ES256'],
  });
  expect(await outcomeOf(before)).toBe('jwt:buyer-1');
  expect(keyServer.asked).toBe(1);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await keyServer.stop();
});

async function outcomeOf(key: SigningKey): Promise<string> {
  return verifier.verify(await sign(key)).then(
    ({ principal }) => principal.name,
    (error: unknown) => (error as { readonly code: string }).code,
  );
}

/** The clock that counts the cooldown; tokens are checked by another one. */
function passCooldown(): void {
  const nowMs = Date.now() + KEYS_COOLDOWN_MS;
  jest.spyOn(Date, 'now').mockReturnValue(nowMs);
}

test('a token of a new key cannot be verified within the cooldown, and is valid after it', async () => {
  const after = await newSigningKey('ES256', 'key-2');
  keyServer.keys = [after];
  expect(await outcomeOf(after)).toBe('AUTHENTICATION_UNAVAILABLE');
  expect(keyServer.asked).toBe(1);
  passCooldown();
  expect(await outcomeOf(after)).toBe('jwt:buyer-1');
  expect(keyServer.asked).toBe(2);
  expect(await outcomeOf(await newSigningKey('ES256', 'key-3'))).toBe('AUTHENTICATION_UNAVAILABLE');
  expect(keyServer.asked).toBe(2);
});

test('a new key under the id of the old one is fetched after the cooldown', async () => {
  const after = await newSigningKey('ES256', 'key-1');
  keyServer.keys = [after];
  expect(await outcomeOf(after)).toBe('UNAUTHENTICATED');
  passCooldown();
  expect(await outcomeOf(after)).toBe('jwt:buyer-1');
  expect(await outcomeOf(before)).toBe('UNAUTHENTICATED');
  expect(keyServer.asked).toBe(2);
});

test('a key that the issuer does not publish is refused once the keys have been fetched for its token', async () => {
  passCooldown();
  expect(await outcomeOf(await newSigningKey('ES256', 'key-2'))).toBe('UNAUTHENTICATED');
  expect(keyServer.asked).toBe(2);
});
