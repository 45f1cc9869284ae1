/**
 * What breaks if B happens before A, for the rate limit: processes with a limit each on a real Redis, through a proxy
 * that pauses, cuts and refuses. Whatever happens, each request gets one answer, no process lets through more than the
 * window has, but for the one request that overdraws it, and nothing locks a principal out for longer than its debt.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { RateLimitedError, RequestLimit } from '../../../src/rate-limit/request-limit.js';
import { systemClock, systemRandom, type Clock } from '../../../src/time/clock.js';
import { FakeClock } from '../../support/fake-clock.js';
import { givenUrl } from '../../support/fresh-database.js';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.js';
import { pass, until } from '../../support/until.js';

const REDIS_URL = givenUrl('REDIS_URL');
const LOG = { warn: () => undefined, info: () => undefined };

let proxy: TcpProxy;
let redis: Redis;
const started: RequestLimit[] = [];

beforeAll(() => {
  redis = new Redis(REDIS_URL);
});

afterAll(() => {
  redis.disconnect();
});

beforeEach(async () => {
  proxy = await startTcpProxy(REDIS_URL);
});

afterEach(async () => {
  for (const limit of started.splice(0)) await limit.stop();
  await proxy.stop();
});

const OPENED_MAX = 5;

/** A process's limit that Redis counts for: it knows the script, and its first greeting was not too late. */
async function open(perSecond: number, burst = 0, clock: Clock = systemClock) {
  const redisUrl = proxy.via(REDIS_URL);
  const settings = { redisUrl, perSecond, burst, clock, random: systemRandom, log: LOG };
  for (let tried = 0; tried < OPENED_MAX; tried += 1) {
    const limit = new RequestLimit(settings);
    started.push(limit);
    await limit.start();
    await ask(limit, newName());
    if (limit.stats().uncounted === 0) return limit;
  }
  throw new Error(`Redis counted for none of ${OPENED_MAX} limits.`);
}

const newName = () => `adversary-${randomUUID()}`;
const windowOf = (name: string) => `stockade:rate:second:${name}`;

type Answer = 'ADMITTED' | number;

/** A refusal is its time until the next try, in milliseconds. */
async function ask(limit: RequestLimit, name: string, weight = 1): Promise<Answer> {
  try {
    await limit.take(name, weight);
    return 'ADMITTED';
  } catch (error) {
    if (error instanceof RateLimitedError) return error.retryAfterMs;
    throw error;
  }
}

const askMany = (limit: RequestLimit, name: string, count: number, weight = 1) =>
  Promise.all(Array.from({ length: count }, () => ask(limit, name, weight)));

const admitted = (answers: readonly Answer[]) =>
  answers.filter((answer) => answer === 'ADMITTED').length;

test('Redis that breaks off while requests wait lets each of them through once, and counts again later', async () => {
  const limit = await open(10);
  const name = newName();
  proxy.pause('toClient');
  const waiting = askMany(limit, name, 50);
  await pass(100);
  proxy.refuse(true);
  proxy.cut();
  proxy.resume();
  expect(admitted(await waiting)).toBe(50);
  expect(limit.stats()).toEqual({ refused: 0, uncounted: 50 });
  proxy.refuse(false);
  await until('a refusal', async () => admitted(await askMany(limit, name, 30)) < 30);
});

test('an answer that comes after its time-out gives nothing to anyone, and what it counted stays counted', async () => {
  const limit = await open(20);
  const name = newName();
  // It lives until it is counted in, whenever that is.
  await redis.set(windowOf(name), '0', 'PX', 60_000);
  proxy.pause('toClient');
  const late = askMany(limit, name, 5);
  let counted: string | null = '0';
  await until('it is counted', async () => {
    counted = await redis.get(windowOf(name));
    return counted !== '0';
  });
  // Null where the window has ended before the test looked.
  expect(['1', null]).toContain(counted);
  // The command times out after a second.
  expect(admitted(await late)).toBe(5);
  expect(limit.stats()).toEqual({ refused: 0, uncounted: 5 });
  proxy.resume();
  let answers: readonly Answer[] = [];
  await until('all of them counted', async () => {
    await pass(1_000);
    const { uncounted } = limit.stats();
    answers = await askMany(limit, name, 40);
    return limit.stats().uncounted === uncounted;
  });
  expect(admitted(answers)).toBe(20);
});

test('what is left of an allotment is not spent in a window that began while its answer was on the way', async () => {
  // Its clock makes no answer too late, and ends the window when the test says.
  const clock = new FakeClock();
  const limit = await open(100, 0, clock);
  const name = newName();
  await redis.set(windowOf(name), '0', 'PX', 60_000);
  let asked = 0;
  proxy.hook('toServer', (bytes) => {
    if (bytes.includes(windowOf(name))) asked += 1;
    return 'pass';
  });
  proxy.pause('toClient');
  const first = ask(limit, name);
  await until('it is counted', async () => (await redis.get(windowOf(name))) !== '0');
  await redis.del(windowOf(name)); // As its end would.
  clock.stopFor(1_000);
  proxy.resume();
  expect(await first).toBe('ADMITTED');
  expect([asked, await redis.exists(windowOf(name))]).toEqual([1, 0]);
  expect(await ask(limit, name)).toBe('ADMITTED');
  // An allotment of its own for the second request.
  expect(asked).toBe(2);
});

test.each<[string, readonly (string | number)[]]>([
  ['an hour to live, as after the clock of Redis was set back', ['PX', 3_600_000]],
  ['no time to live', []],
])('a window with %s locks no principal out', async (_, life) => {
  const limit = await open(10);
  const name = newName();
  await redis.call('SET', windowOf(name), 10, ...life);
  const answer = await ask(limit, name);
  expect(answer).toBeGreaterThan(0);
  expect(answer).toBeLessThanOrEqual(1_000);
  await pass(Number(answer));
  await until('the next window', async () => (await ask(limit, name)) === 'ADMITTED', 10_000);
});

test('a process that was stopped spends no old allotment, and forgets an old refusal', async () => {
  let jumpMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + jumpMs };
  const limit = await open(100, 0, clock);
  const name = newName();
  expect(await ask(limit, name)).toBe('ADMITTED');
  await redis.set(windowOf(name), '100', 'PX', 20_000);
  jumpMs = 60_000;
  const refused = await ask(limit, name);
  expect(refused).toBeGreaterThan(0);
  await redis.del(windowOf(name));
  jumpMs = 120_000;
  expect(await ask(limit, name)).toBe('ADMITTED');
});

test('a principal that is forgotten while it waits, because of thousands of others, gets its answer', async () => {
  const limit = await open(1_000);
  const name = newName();
  proxy.pause('toClient');
  const waiting = askMany(limit, name, 3);
  const others = Array.from({ length: 10_001 }, (_, i) => ask(limit, `${name}-${i}`));
  const again = ask(limit, name);
  proxy.resume();
  expect(admitted(await waiting)).toBe(3);
  expect(await again).toBe('ADMITTED');
  expect(admitted(await Promise.all(others))).toBe(10_001);
});

test('a stop answers the requests that wait', async () => {
  const limit = await open(10);
  proxy.pause('toClient');
  const waiting = askMany(limit, newName(), 20);
  await pass(50);
  await limit.stop();
  expect(admitted(await waiting)).toBe(20);
});

test('scripts and counts that Redis loses are there again with the next request', async () => {
  const limit = await open(10);
  const name = newName();
  expect(admitted(await askMany(limit, name, 30))).toBe(10);
  await redis.script('FLUSH');
  await redis.del(windowOf(name));
  await pass(1_000);
  const { uncounted } = limit.stats();
  expect(admitted(await askMany(limit, name, 30))).toBe(10);
  expect(limit.stats().uncounted).toBe(uncounted);
});

describe('requests that weigh more than others', () => {
  test('one that is heavier than all windows is admitted, and closes every process until it is paid for', async () => {
    const [one, two] = [await open(20, 20), await open(20, 20)];
    const name = newName();
    expect(await ask(one, name, 400)).toBe('ADMITTED');
    const answers = [await ask(one, name), await ask(two, name)];
    for (const answer of answers) {
      // 400 without the 20 of the reserve, at 20 in a second; some of it may have passed by now.
      expect(answer).toBeGreaterThan(10_000);
      expect(answer).toBeLessThanOrEqual(19_000);
    }
  });

  test('it takes the reserve before it overdraws', async () => {
    const limit = await open(50, 1_000);
    const name = newName();
    for (let i = 0; i < 10; i += 1) expect(await ask(limit, name, 100)).toBe('ADMITTED');
    expect(Number(await redis.get(`stockade:rate:burst:${name}`))).toBeGreaterThan(500);
    expect(Number(await redis.get(windowOf(name)))).toBeLessThanOrEqual(50);
  });

  test('it is not overtaken by lighter ones that come while it waits', async () => {
    const limit = await open(60);
    const name = newName();
    proxy.pause('toClient');
    const light = ask(limit, name);
    const heavy = ask(limit, name, 50);
    const later = askMany(limit, name, 100);
    proxy.resume();
    expect(await light).toBe('ADMITTED');
    expect(await heavy).toBe('ADMITTED');
    expect(admitted(await later)).toBe(9);
  });

  test('it is admitted beside a stream of light ones of the same principal', async () => {
    const limit = await open(50);
    const name = newName();
    const light = { isWanted: true };
    const stream = Array.from({ length: 20 }, async () => {
      while (light.isWanted) {
        const answer = await ask(limit, name);
        await pass(answer === 'ADMITTED' ? 1 : answer);
      }
    });
    const startedMs = performance.now();
    for (let heavy = 0; heavy < 3;) {
      const answer = await ask(limit, name, 60);
      if (answer === 'ADMITTED') heavy += 1;
      else await pass(answer);
    }
    light.isWanted = false;
    await Promise.all(stream);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test('two processes together keep the rate over time, but for what each may overdraw once', async () => {
    const perSecond = 100;
    const limits = [await open(perSecond), await open(perSecond)];
    const name = newName();
    const startedMs = performance.now();
    let weighed = 0;
    await Promise.all(
      limits.flatMap((limit) =>
        [1, 7, 60, 100].map(async (weight) => {
          while (performance.now() - startedMs < 5_000) {
            const answer = await ask(limit, name, weight);
            if (answer === 'ADMITTED') weighed += weight;
            else await pass(Math.min(answer, 200));
          }
        }),
      ),
    );
    const seconds = (performance.now() - startedMs) / 1_000;
    expect(weighed).toBeLessThanOrEqual(perSecond * (seconds + 1) + 2 * 100);
    expect(weighed).toBeGreaterThan(perSecond * 2);
    expect(limits.map((limit) => limit.stats().uncounted)).toEqual([0, 0]);
  });
});
