/** The scripts themselves, as any process calls them: what they answer, and what they leave at Redis. */
import type { Redis } from 'ioredis';
import {
  LockScripts,
  acquireStep,
  readGrant,
  releaseStep,
  tellStep,
  type ScriptCall,
  type Step,
} from '../../../src/lock/scripts.js';
import { readSettings, tokensMax } from '../../../src/lock/settings.js';
import { LockServices, uniqueKey } from '../../support/lock-services.js';
import { until } from '../../support/until.js';

const TTL_MS = 60_000;
/** Long enough that what was handed over is still there when the test looks at it. */
const CLAIM_TTL_MS = 20_000;

const clients = new LockServices();
let redis: Redis;
beforeEach(() => {
  redis = clients.redis();
});
afterEach(() => clients.stopAll());

const SETTINGS = readSettings({ ttlMs: TTL_MS, claimTtlMs: CLAIM_TTL_MS });
const scripts = new LockScripts(SETTINGS);

async function run<T>({ script, keys, args, read }: ScriptCall<T>): Promise<T> {
  return read(await redis.eval(script.source, keys.length, ...keys, ...args));
}

async function runStep<T>(step: Step<T>): Promise<T> {
  const [reply] = await run(scripts.carryOut([step]));
  return step.read(reply);
}

const acquire = (key: string, ticket: string, tokens = 1) =>
  runStep(acquireStep(key, { ticket, tokens, kind: 'queue' }));

const own = (key: string, ticket: string) =>
  runStep(acquireStep(key, { ticket, tokens: 1, kind: 'own' }));

const release = (key: string, ticket: string, again?: string) =>
  runStep(releaseStep(key, ticket, again === undefined ? undefined : { ticket: again, tokens: 1 }));

/** Makes a process that listens, as far as Redis can tell. */
async function listenAs(process: string): Promise<string[]> {
  const messages: string[] = [];
  const listener = clients.redis();
  listener.on('message', (_channel, message) => messages.push(message));
  await listener.subscribe(`lock:inbox:${process}`);
  return messages;
}

function firstTokenOf({ standing }: Awaited<ReturnType<typeof acquire>>): number {
  if (standing.kind !== 'yours') throw new Error(`The lock is ${standing.kind}.`);
  return standing.firstToken;
}

test('[F10] acquiring again with the same ticket returns the lock and a larger token', async () => {
  const key = uniqueKey();
  // So many that the clock does not get there meanwhile.
  const tokens = 600_000_000;
  const first = firstTokenOf(await acquire(key, 'a:1', tokens));
  await redis.pexpire(key, 30_000);
  const second = firstTokenOf(await acquire(key, 'a:1'));
  expect(second).toBe(first + tokens);
  expect(await redis.get(`${key}:fence`)).toBe(String(second));
  expect(await redis.pttl(key)).toBeGreaterThan(30_000);
  expect(await redis.exists(`${key}:queue`)).toBe(0);
});

test('a ticket is queued once, keeps its place, and is told its position', async () => {
  const key = uniqueKey();
  await acquire(key, 'a:1');
  const places = [];
  for (const ticket of ['b:1', 'c:1', 'b:1', 'c:1', 'd:1']) {
    const { standing } = await acquire(key, ticket);
    if (standing.kind !== 'theirs') throw new Error('The lock is held.');
    expect(standing.holder).toBe('a:1');
    expect(standing.remainingMs).toBeGreaterThan(TTL_MS / 2);
    places.push(standing.position);
  }
  expect(places).toEqual([0, 1, 0, 1, 2]);
  expect(await redis.lrange(`${key}:queue`, 0, -1)).toEqual(['b:1', 'c:1', 'd:1']);
  expect(await redis.pttl(`${key}:queue`)).toBeGreaterThan(TTL_MS);
});

test('[F14] a release hands over to the first process that listens, with its tokens, for the claim time', async () => {
  const key = uniqueKey();
  const messages = await listenAs(`c-${key}`);
  await acquire(key, 'a:1');
  await acquire(key, 'b:1');
  const { standing } = await acquire(key, `c-${key}:1`);
  const answer = await release(key, 'a:1');
  expect(answer).toMatchObject({
    mine: true,
    skipped: 1,
    standing: { kind: 'theirs', holder: `c-${key}:1` },
  });
  expect(await redis.get(key)).toBe(`c-${key}:1`);
  expect(await redis.pttl(key)).toBeLessThanOrEqual(CLAIM_TTL_MS);
  await until('the message arrives', () => messages.length > 0);
  expect(messages).toHaveLength(1);
  const [grant] = messages.map(readGrant);
  expect(grant).toMatchObject({ key, ticket: `c-${key}:1` });
  if (!grant || standing.kind !== 'theirs') throw new Error('It was queued, and got the lock.');
  // By the same clock: when it was queued, and when it had its turn.
  expect(grant.atUs).toBeGreaterThanOrEqual(standing.atUs);
  expect(grant.atUs - standing.atUs).toBeLessThan(10_000_000);
  const confirmed = firstTokenOf(await acquire(key, `c-${key}:1`));
  expect(confirmed).toBeGreaterThanOrEqual(grant.firstToken + tokensMax(SETTINGS));
  expect(await redis.pttl(key)).toBeGreaterThan(TTL_MS / 2);
});

test('a release without waiters leaves only the counter', async () => {
  const key = uniqueKey();
  await acquire(key, 'a:1');
  expect(await release(key, 'a:1')).toEqual({
    mine: true,
    skipped: 0,
    standing: { kind: 'free' },
  });
  expect(await redis.exists(key, `${key}:queue`)).toBe(0);
  expect(await redis.pttl(`${key}:fence`)).toBeGreaterThan(86_000_000);
});

test('[F11] giving up a ticket that does not hold the lock takes nothing from the holder', async () => {
  const key = uniqueKey();
  await acquire(key, 'a:1');
  await acquire(key, 'b:1');
  await acquire(key, 'c:1');
  const answer = await release(key, 'b:1');
  expect(answer).toMatchObject({ mine: false, standing: { kind: 'theirs', holder: 'a:1' } });
  expect(await redis.get(key)).toBe('a:1');
  expect(await redis.lrange(`${key}:queue`, 0, -1)).toEqual(['c:1']);
});

test('[F15] a release may queue the next ticket of its process, behind the tickets that wait already', async () => {
  const key = uniqueKey();
  await listenAs(`b-${key}`);
  await acquire(key, 'a:1');
  expect((await release(key, 'a:1', 'a:2')).standing.kind).toBe('yours');
  await acquire(key, `b-${key}:1`);
  expect(await release(key, 'a:2', 'a:3')).toMatchObject({
    mine: true,
    standing: { kind: 'theirs', holder: `b-${key}:1`, position: 0 },
  });
  expect(await redis.lrange(`${key}:queue`, 0, -1)).toEqual(['a:3']);
});

test('a release after the lock has expired reports it, and hands over to the next ticket', async () => {
  const key = uniqueKey();
  await listenAs(`b-${key}`);
  await acquire(key, 'a:1');
  await acquire(key, `b-${key}:1`);
  await redis.del(key);
  expect(await release(key, 'a:1')).toMatchObject({
    mine: false,
    standing: { kind: 'theirs', holder: `b-${key}:1` },
  });
});

test('a renewal extends the locks that the ticket still holds, and no others', async () => {
  const [kept, stolen, gone, strange] = [uniqueKey(), uniqueKey(), uniqueKey(), uniqueKey()];
  await acquire(kept, 'a:1');
  await acquire(stolen, 'b:1');
  await redis.hset(strange, 'field', 'value');
  for (const key of [kept, stolen]) await redis.pexpire(key, 30_000);
  const locks = [kept, stolen, gone, strange].map((key) => ({ key, ticket: 'a:1' }));
  expect(await run(scripts.renew(locks))).toEqual(['RENEWED', 'LOST', 'LOST', 'LOST']);
  expect(await redis.pttl(kept)).toBeGreaterThan(30_000);
  expect(await redis.pttl(stolen)).toBeLessThanOrEqual(30_000);
  expect(await redis.exists(gone)).toBe(0);
});

test('a ticket that may own is told the owner, and is not queued', async () => {
  const key = uniqueKey();
  await own(key, `${key}.a:o1`);
  const { standing } = await own(key, `${key}.b:o1`);
  expect(standing).toMatchObject({ kind: 'theirs', holder: `${key}.a:o1`, position: 0 });
  expect(await redis.exists(`${key}:queue`)).toBe(0);
});

test('a ticket that may own is queued behind a holder that does not own', async () => {
  const key = uniqueKey();
  await acquire(key, 'a:1');
  await own(key, 'b:o1');
  expect(await redis.lrange(`${key}:queue`, 0, -1)).toEqual(['b:o1']);
});

test('an owner hears of each ticket that queues behind it', async () => {
  const key = uniqueKey();
  const messages = await listenAs(`${key}.a`);
  await own(key, `${key}.a:o1`);
  await acquire(key, `${key}.b:1`);
  await until('the owner hears of it', () => messages.length === 1);
  expect(messages).toEqual([`wanted ${key}`]);
  expect(await redis.lrange(`${key}:queue`, 0, -1)).toEqual([`${key}.b:1`]);
});

test('an owner that does not listen loses the lock to the first ticket that queues', async () => {
  const key = uniqueKey();
  const token = firstTokenOf(await own(key, `${key}.gone:o1`));
  expect(firstTokenOf(await acquire(key, `${key}.c:1`))).toBeGreaterThan(token);
  expect(await redis.get(key)).toBe(`${key}.c:1`);
  expect(await redis.pttl(key)).toBeGreaterThan(TTL_MS / 2);
});

test('a text reaches a process that listens, and is lost without one', async () => {
  const key = uniqueKey();
  const tell = () => runStep(tellStep(key, `${key}.a:0`, 'two words'));
  expect(await tell()).toBe(false);
  const messages = await listenAs(`${key}.a`);
  expect(await tell()).toBe(true);
  await until('the text arrives', () => messages.length === 1);
  expect(messages).toEqual(['mail two words']);
});

test('a renewal tells whether tickets are queued', async () => {
  const [idle, wanted, lost] = [uniqueKey(), uniqueKey(), uniqueKey()];
  await listenAs('a');
  await own(idle, 'a:o1');
  await own(wanted, 'a:o1');
  await acquire(wanted, 'b:1');
  const locks = [idle, wanted, lost].map((key) => ({ key, ticket: 'a:o1' }));
  expect(await run(scripts.renew(locks))).toEqual(['RENEWED', 'WANTED', 'LOST']);
});
