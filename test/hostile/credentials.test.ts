/** Guesses and forgeries, beside an honest client of the same address. */
import { createHmac } from 'node:crypto';
import { bearer } from '../support/api-keys.js';
import { post } from '../support/graphql-client.js';
import { useArena } from '../support/hostile-arena.js';
import { BODY } from '../support/http-exchange.js';
import {
  AUDIENCE,
  ISSUER,
  KeyServer,
  goodClaims,
  newSigningKey,
  sign,
} from '../support/key-server.js';

const issuerKey = await newSigningKey('ES256', 'es-1');
const strangerKey = await newSigningKey('ES256', 'es-1');
const keyServer = await KeyServer.start([issuerKey]);

const arena = useArena(() => ({
  AUTH: 'keys,jwt',
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  JWT_JWKS_URL: keyServer.url,
}));

afterAll(() => keyServer.stop());

async function statusOf(credential: string, body = BODY): Promise<number> {
  const { status } = await post(arena.graphqlUrl, body, { headers: bearer(credential) });
  return status;
}

/** Sends one request with each, many at once, and resolves with how often each status was answered. */
async function statusesOf(
  credentials: readonly string[],
  body?: string,
): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  const open = [...credentials];
  const client = async () => {
    for (let credential = open.pop(); credential !== undefined; credential = open.pop()) {
      const status = await statusOf(credential, body);
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 20 }, client));
  return counts;
}

test('two thousand guesses at keys from the address of an honest client', async () => {
  const guesses = Array.from(
    { length: 2_000 },
    (_, i) => `sk_${String(i).padStart(8, '0')}.${'x'.repeat(43)}`,
  );
  // Of all runs: where the attack is run again, the address has spent its failures in the first one.
  const counts: Record<string, number> = {};
  await arena.withstands(async () => {
    for (const [status, count] of Object.entries(await statusesOf(guesses))) {
      counts[status] = (counts[status] ?? 0) + count;
    }
  });
  expect(Object.keys(counts).sort()).toEqual(['401', '429']);
  // All but those of the first moment are refused without a look at them.
  expect(counts[401]).toBeLessThanOrEqual(200);
});

test('forged tokens', async () => {
  const { publicJwk } = issuerKey;
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const byHand = (header: object) => {
    const text = `${part(header)}.${part(goodClaims())}`;
    return `${text}.${createHmac('sha256', issuerKey.publicPem).update(text).digest('base64url')}`;
  };
  const forgeries = [
    byHand({ alg: 'none' }),
    `${part({ alg: 'none' })}.${part(goodClaims())}.`,
    byHand({ alg: 'HS256', kid: 'es-1' }),
    byHand({ alg: 'ES256', kid: 'es-1', jwk: publicJwk }),
    byHand({ alg: 'ES256', kid: '../../../../etc/passwd' }),
    byHand({ alg: 'ES256', kid: 'es-1', jku: 'http://127.0.0.1:1/keys' }),
    byHand({ alg: 'ES256', kid: 'es-1', crit: ['exp'] }),
    await sign(strangerKey),
    await sign(issuerKey, { aud: 'another' }),
    await sign(issuerKey, { iss: 'https://evil.example' }),
    await sign(issuerKey, { exp: 1 }),
    `${'a'.repeat(6_000)}.${'b'.repeat(6_000)}.c`,
  ];
  const asked = keyServer.asked;
  const counts = await arena.withstands(() =>
    statusesOf(Array(20).fill(forgeries).flat() as string[]),
  );
  expect(Object.keys(counts).filter((status) => !['401', '429', '503'].includes(status))).toEqual(
    [],
  );
  // Unknown key ids must not become requests to the issuer.
  expect(keyServer.asked - asked).toBeLessThanOrEqual(2);
});

test('bodies of 100 kB from clients without a key are refused before they are parsed', async () => {
  const counts = await arena.withstands(() =>
    statusesOf(Array(300).fill('nonsense') as string[], '['.repeat(99_000)),
  );
  expect(Object.keys(counts).filter((status) => !['401', '429'].includes(status))).toEqual([]);
});

test('ids of reservations that are computed or guessed end nothing', async () => {
  const [owner, thief] = [
    await arena.key('owner', ['read', 'deduct']),
    await arena.key('thief', ['read', 'deduct']),
  ];
  const product = await arena.shop.newProduct(10);
  const input = `{items: [{productId: "${product}", quantity: 4}], idempotencyKey: "order-1"}`;
  const reserve = `mutation { reserveStock(input: ${input}) { reservation { id } } }`;
  const ask = (key: string, query: string) =>
    post<Record<string, { reservation?: { id: string }; __typename?: string } | null>>(
      arena.graphqlUrl,
      JSON.stringify({ query }),
      { headers: bearer(key) },
    );
  const mine = await ask(owner, reserve);
  const id = mine.data?.reserveStock?.reservation?.id ?? '';
  expect(id).not.toBe('');
  const again = await ask(thief, reserve);
  expect(again.data?.reserveStock?.reservation?.id).not.toBe(id);
  await arena.withstands(async () => {
    for (const attempt of [
      `mutation { releaseReservation(input: {reservationId: "${id}"}) { __typename } }`,
      `mutation { commitReservation(input: {reservationId: "${id}"}) { __typename } }`,
    ]) {
      const { data } = await ask(thief, attempt);
      expect(Object.values(data ?? {})[0]?.__typename).toBe('ReservationNotFoundError');
    }
    expect((await ask(thief, `{ reservation(id: "${id}") { id } }`)).data?.reservation).toBeNull();
  });
  expect((await ask(owner, `{ reservation(id: "${id}") { id } }`)).data?.reservation).toEqual({
    id,
  });
});
