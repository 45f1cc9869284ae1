/** TLS to Redis: the server is verified, by a private CA where one is named, and the client may show a certificate. */
import { startPrivateRedis } from '../../../services/private-redis.js';
import { freePort, type PrivateServer } from '../../../services/private-server.js';
import { parseRedisUrl } from '../../../src/redis/address.js';
import { connectByIoredis, type RedisConnection } from '../../../src/redis/connection.js';
import type { RedisFailure } from '../../../src/redis/failure.js';
import { systemClock } from '../../../src/time/clock.js';
import { makeCertificates, type Certificates } from '../../support/certificates.js';
import { until } from '../../support/until.js';

let certificates: Certificates;
let redis: PrivateServer;
let misnamed: PrivateServer;
let port: number;
let misnamedPort: number;
const open: RedisConnection[] = [];

beforeAll(async () => {
  certificates = await makeCertificates();
  const { ca, server, misnamedServer } = certificates;
  [port, misnamedPort] = [await freePort(), await freePort()];
  const secure = (at: number, { cert, key }: { cert: string; key: string }) => [
    ...['--tls-port', String(at), '--tls-ca-cert-file', ca],
    ...['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'yes'],
  ];
  redis = await startPrivateRedis({ args: secure(port, server) });
  misnamed = await startPrivateRedis({ args: secure(misnamedPort, misnamedServer) });
});

afterEach(() => {
  for (const connection of open.splice(0)) connection.close();
});

afterAll(async () => {
  await redis.stop();
  await misnamed.stop();
  certificates.remove();
});

function connect(at: number, parameters: Record<string, string>) {
  const downs: RedisFailure[] = [];
  const [server] = parseRedisUrl(
    `rediss://127.0.0.1:${at}?${String(new URLSearchParams(parameters))}`,
  );
  const connection = connectByIoredis(
    { server, name: 'tls', commandTimeoutMs: 1_000, clock: systemClock, random: Math.random },
    { onReady: () => undefined, onDown: (failure) => downs.push(failure) },
  );
  open.push(connection);
  connection.open();
  return { connection, downs };
}

function ownCertificate(): Record<string, string> {
  return { 'tls-cert': certificates.client.cert, 'tls-key': certificates.client.key };
}

test('a server of the named CA is talked to, and sees the certificate of the client', async () => {
  const { connection } = connect(port, { 'tls-ca': certificates.ca, ...ownCertificate() });
  await until('the connection is ready', () => connection.ready);
  expect(await connection.command(['set', 'key', 'value'])).toBe('OK');
});

test.each([
  ['without a CA', () => ({}), /SELF_SIGNED|UNABLE_TO/],
  ['of a strange CA', () => ({ 'tls-ca': certificates.foreignCa }), /SELF_SIGNED|UNABLE_TO|CERT/],
])('a server %s is left, and the reason says so', async (_, parameters, words) => {
  const { connection, downs } = connect(port, { ...parameters(), ...ownCertificate() });
  // A connection that was not greeted in time fails before, for that reason.
  await until('the reason', () => downs.some(({ reason }) => words.test(reason)));
  expect(connection.ready).toBe(false);
});

test('a server with the name of another is left, unless that name is expected', async () => {
  const trusted = { 'tls-ca': certificates.ca, ...ownCertificate() };
  const { connection, downs } = connect(misnamedPort, trusted);
  const isTheReason = ({ reason }: RedisFailure) => reason.includes('ERR_TLS_CERT_ALTNAME_INVALID');
  await until('the reason', () => downs.some(isTheReason));
  expect(connection.ready).toBe(false);
  const named = connect(misnamedPort, { ...trusted, 'tls-server-name': 'elsewhere.example' });
  await until('the connection is ready', () => named.connection.ready);
});
