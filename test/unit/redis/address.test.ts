import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  hashTagOf,
  parseRedisUrl,
  RedisAddressError,
  serverOf,
} from '../../../src/redis/address.js';

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stockade-address-'));
  file = join(folder, 'ca.pem');
  writeFileSync(file, '');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function problemOf(url: string): string {
  try {
    parseRedisUrl(url);
  } catch (error) {
    if (error instanceof RedisAddressError) return error.message;
    throw error;
  }
  throw new Error('It was taken.');
}

describe('one server', () => {
  test('has the usual port and database', () => {
    expect(parseRedisUrl('redis://cache')).toEqual([
      {
        ...{ name: null, endpoint: { host: 'cache', port: 6379 }, sentinels: null, shard: null },
        ...{ user: undefined, password: undefined, database: 0, tls: null },
      },
    ]);
  });

  test('takes user and password decoded, an IPv6 address, and a database', () => {
    const [server] = parseRedisUrl('redis://shop:p%40ss%3A%2F@[::1]:7000/3');
    expect(server).toMatchObject({ user: 'shop', password: 'p@ss:/', database: 3 });
    expect(server.endpoint).toEqual({ host: '::1', port: 7000 });
  });

  test('a password without a user is the default user’s', () => {
    const [server] = parseRedisUrl('redis://:secret@cache');
    expect([server.user, server.password]).toEqual([undefined, 'secret']);
  });

  test('rediss is TLS, with files by path', () => {
    const [server] = parseRedisUrl(`rediss://cache?tls-ca=${file}&tls-server-name=cache.internal`);
    expect(server.tls).toEqual({ ca: file, serverName: 'cache.internal' });
  });
});

describe('several servers', () => {
  test('are named by their place, and each key belongs to one of them', () => {
    const servers = parseRedisUrl('redis://a:1/2, rediss://:x@b:2/2,redis://c:3/2');
    expect(servers.map(({ name }) => name)).toEqual([
      'Redis 1 of 3',
      'Redis 2 of 3',
      'Redis 3 of 3',
    ]);
    const counts = new Map(servers.map((server) => [server, 0]));
    for (let key = 0; key < 3_000; key += 1) {
      const server = serverOf(servers, `lock:stock:{p${key}}`);
      counts.set(server, (counts.get(server) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(count).toBeGreaterThan(800);
  });

  test('a server that is taken away moves its own keys alone, in whatever order they are named', () => {
    const three = parseRedisUrl('redis://a:1,redis://b:2,redis://c:3');
    const two = parseRedisUrl('redis://c:3,redis://a:1');
    for (let key = 0; key < 1_000; key += 1) {
      const before = serverOf(three, `k${key}`).endpoint;
      if (before?.host === 'b') continue;
      expect(serverOf(two, `k${key}`).endpoint).toEqual(before);
    }
  });
});

test('Sentinels are named with the primary, and have credentials and TLS of their own', () => {
  const [server, ...more] = parseRedisUrl(
    'redis+sentinel://shop:s@one,two:7000/main/4?sentinel-user=u&sentinel-password=p&sentinel-tls=on' +
      `&tls-ca=${file}`,
  );
  expect(more).toEqual([]);
  expect(server).toMatchObject({ user: 'shop', password: 's', database: 4, tls: null });
  expect(server.sentinels).toEqual({
    endpoints: [
      { host: 'one', port: 26_379 },
      { host: 'two', port: 7000 },
    ],
    ...{ name: 'main', user: 'u', password: 'p', tls: { ca: file } },
  });
});

test('a Cluster is twelve shards, each a tag in the names of its keys, which every process finds alike', () => {
  const shards = parseRedisUrl('redis+cluster://shop:s@one,two:7000');
  expect(shards).toHaveLength(12);
  const [first] = shards;
  expect(first).toMatchObject({
    name: 'Redis shard 1 of 12 (slot 672)',
    user: 'shop',
    database: 0,
  });
  expect(first.shard?.endpoints).toEqual([
    { host: 'one', port: 6_379 },
    { host: 'two', port: 7_000 },
  ]);
  expect(hashTagOf(first)).toBe('{556}:');
  const others = parseRedisUrl('redis+cluster://two:7000');
  const counts = new Map<string, number>();
  for (let key = 0; key < 6_000; key += 1) {
    const tag = hashTagOf(serverOf(shards, `lock:stock:{p${key}}`));
    expect(hashTagOf(serverOf(others, `lock:stock:{p${key}}`))).toBe(tag);
    counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  expect(counts.size).toBe(12);
  for (const count of counts.values()) expect(count).toBeGreaterThan(350);
});

test('TLS to the servers is TLS to their Sentinels, unless it is switched off', () => {
  const [on] = parseRedisUrl('rediss+sentinel://s/main');
  const [off] = parseRedisUrl('rediss+sentinel://s/main?sentinel-tls=off');
  expect([on.tls !== null, on.sentinels?.tls !== null]).toEqual([true, true]);
  expect([off.tls !== null, off.sentinels?.tls]).toEqual([true, null]);
});

test.each([
  ['', /^must be redis:\/\//],
  ['http://:s3cret@cache', /^must be redis:\/\//],
  ['redis://:s3cret@', /^must name hosts/],
  ['redis://:s3cret@cache:99999', /^must name hosts/],
  ['redis://:s3cret@a,b', /^must begin each of several addresses/],
  ['redis://:s3cret@cache/x', /^must end with the number of a database/],
  ['redis://:s3cret@cache/0/1', /^must end with the number of a database/],
  ['redis://:s3cret@a:1,redis://:s3cret@a:1', /^names one server twice/],
  ['redis://:s3cret@a/1,redis://:s3cret@b/2', /^must name the same database/],
  ['redis+sentinel://:s3cret@a', /^must name the primary/],
  ['redis://b,redis+sentinel://:s3cret@a/main', /^must name Sentinels alone/],
  ['redis://b,redis+cluster://:s3cret@a', /^must name the nodes of a cluster alone/],
  ['redis+cluster://:s3cret@a/1', /^must not name a database of a cluster/],
  ['redis://:s3cret@cache?timeout=3', /^has the parameter timeout, which is none of tls-ca, /],
  ['redis://:s3cret@cache?S3CRET=', /^has the parameter with an unusual name/],
  ['redis://:s3cret@cache?tls-ca=/x', /^must begin with rediss to use tls-ca/],
  ['rediss://:s3cret@cache?tls-ca=', /^has no value for tls-ca/],
  [
    'rediss://:s3cret@cache?tls-ca=/absent',
    /^names a file for tls-ca that cannot be read \(ENOENT\)/,
  ],
  ['rediss://:s3cret@cache?tls-key=/absent', /^must have both or none of tls-cert and tls-key/],
  ['redis://:s3cret@cache?sentinel-tls=on', /^must begin with redis\+sentinel/],
  ['redis+sentinel://:s3cret@a/main?sentinel-tls=maybe', /^must have on or off/],
  ['redis://:s3cret%@cache', /^has a % that begins no encoded character/],
])('%s is refused in one sentence that does not repeat it', (url, words) => {
  const problem = problemOf(url);
  expect(problem).toMatch(words);
  expect(problem).not.toMatch(/s3cret|cache\b/i);
});
