/**
 * What breaks if B happens before A, for everything that talks to Redis: the product's own connections to a real Redis,
 * through a proxy that pauses, cuts and refuses.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { parseRedisUrl } from '../../../src/redis/address.js';
import {
  connectByIoredis,
  type ConnectionSettings,
  type RedisConnection,
} from '../../../src/redis/connection.js';
import type { RedisFailure } from '../../../src/redis/failure.js';
import { SIGN_OF_LIFE_MS } from '../../../src/redis/sign-of-life.js';
import { Subscription } from '../../../src/redis/subscription.js';
import { systemClock } from '../../../src/time/clock.js';
import { givenUrl } from '../../support/fresh-database.js';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.js';
import { pass, until } from '../../support/until.js';

const COMMAND_TIMEOUT_MS = 300;

let proxy: TcpProxy;
let plain: Redis;
const open: { close(): void }[] = [];

beforeAll(() => {
  plain = new Redis(givenUrl('REDIS_URL'));
});

afterAll(() => {
  plain.disconnect();
});

beforeEach(async () => {
  proxy = await startTcpProxy(givenUrl('REDIS_URL'));
});

afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  await proxy.stop();
});

function settings(name: string): ConnectionSettings {
  const [server] = parseRedisUrl(proxy.via(givenUrl('REDIS_URL')));
  const commandTimeoutMs = COMMAND_TIMEOUT_MS;
  return { server, name, commandTimeoutMs, clock: systemClock, random: Math.random };
}

function connect(): { connection: RedisConnection; downs: RedisFailure[] } {
  const downs: RedisFailure[] = [];
  const connection = connectByIoredis(settings('adversarial'), {
    onReady: () => undefined,
    onDown: (failure) => downs.push(failure),
  });
  open.push(connection);
  connection.open();
  return { connection, downs };
}

function subscribe(channel: string) {
  const messages: string[] = [];
  const counts = { listening: 0, deaf: 0 };
  const subscription = new Subscription(connectByIoredis, settings('subscriber'), channel, {
    onListening: () => (counts.listening += 1),
    onMessage: (message) => messages.push(message),
    onDeaf: () => (counts.deaf += 1),
  });
  open.push(subscription);
  subscription.open();
  return { subscription, messages, counts };
}

const INCREMENT = { name: 'increment', source: `return redis.call('INCR', KEYS[1])` };

describe('a connection', () => {
  test('a command before the connection is ready fails at once and is never sent', async () => {
    const key = randomUUID();
    const { connection } = connect();
    await expect(connection.command(['incr', key])).rejects.toThrow();
    await until('the connection is ready', () => connection.ready);
    expect(await connection.command(['get', key])).toBeNull();
  });

  test('a command whose answer is lost fails once, and is not sent a second time', async () => {
    const key = randomUUID();
    const { connection } = connect();
    await until('the connection is ready', () => connection.ready);
    proxy.pause('toClient');
    const lost = connection.command(['incr', key]);
    const failed = expect(lost).rejects.toThrow();
    await until('the command was carried out', async () => (await plain.get(key)) === '1');
    proxy.cut();
    await failed;
    proxy.resume();
    await until('the connection is ready', () => connection.ready);
    expect(await connection.command(['get', key])).toBe('1');
  });

  test('a Redis that accepts commands and does not answer them is left after the time-out', async () => {
    const { connection, downs } = connect();
    await until('the connection is ready', () => connection.ready);
    proxy.pause('toClient');
    const began = performance.now();
    await expect(connection.command(['ping'])).rejects.toThrow();
    expect(performance.now() - began).toBeGreaterThanOrEqual(COMMAND_TIMEOUT_MS);
    expect(downs).toContainEqual({ kind: 'away', reason: 'Redis has not answered in 300 ms' });
    proxy.resume();
    await until('the connection is ready', () => connection.ready);
    expect(await connection.command(['ping'])).toBe('PONG');
  });

  test('a script that Redis forgets between two calls runs each time, once', async () => {
    const key = randomUUID();
    const { connection } = connect();
    await until('the connection is ready', () => connection.ready);
    expect(await connection.script(INCREMENT, [key], [])).toBe(1);
    await plain.script('FLUSH');
    expect(await connection.script(INCREMENT, [key], [])).toBe(2);
    expect(await connection.script(INCREMENT, [key], [])).toBe(3);
  });

  test('a connection that is closed before it was ready stays closed', async () => {
    const { connection } = connect();
    connection.close();
    await pass(300);
    expect(connection.ready).toBe(false);
    expect(proxy.connections()).toHaveLength(0);
  });

  test('a connection that is dropped before it has a socket comes back', async () => {
    const { connection } = connect();
    connection.drop({ kind: 'away', reason: 'the test drops it' });
    await until('the connection is ready', () => connection.ready);
    expect(await connection.command(['ping'])).toBe('PONG');
  });

  test('a Redis that refuses and then accepts is found again', async () => {
    const { connection, downs } = connect();
    await until('the connection is ready', () => connection.ready);
    proxy.refuse(true);
    proxy.cut();
    await until('two failures', () => downs.length >= 2);
    expect(connection.ready).toBe(false);
    proxy.refuse(false);
    await until('the connection is ready', () => connection.ready);
  });
});

describe('a subscription', () => {
  test('messages arrive from the moment at which it listens', async () => {
    const channel = randomUUID();
    const { messages, counts } = subscribe(channel);
    await until('the subscription listens', () => counts.listening === 1);
    await plain.publish(channel, 'first');
    await until('the message arrives', () => messages.length === 1);
    expect(messages).toEqual(['first']);
  });

  test('each loss of the connection is told, and each return, so that no gap goes unnoticed', async () => {
    const channel = randomUUID();
    const { messages, counts } = subscribe(channel);
    await until('the subscription listens', () => counts.listening === 1);
    for (const round of [1, 2, 3]) {
      proxy.cut();
      await until(
        'it is deaf and listens again',
        () => counts.deaf >= round && counts.listening === round + 1,
      );
      await plain.publish(channel, `after ${round}`);
      await until('the message arrives', () => messages.includes(`after ${round}`));
    }
    expect(messages).toEqual(['after 1', 'after 2', 'after 3']);
  });

  test('a connection that dies without a word is noticed, though nothing is ever sent on it', async () => {
    const channel = randomUUID();
    const { counts, messages } = subscribe(channel);
    await until('the subscription listens', () => counts.listening === 1);
    proxy.pause();
    await until(
      'it is told to be deaf',
      () => counts.deaf >= 1,
      3 * SIGN_OF_LIFE_MS + 10 * COMMAND_TIMEOUT_MS,
    );
    proxy.resume();
    await until('it listens again', () => counts.listening >= 2);
    await plain.publish(channel, 'again');
    await until('the message arrives', () => messages.includes('again'));
  });

  test('a subscription that is closed while it subscribes is never told that it listens', async () => {
    proxy.pause('toClient');
    const { subscription, counts } = subscribe(randomUUID());
    await until('a connection', () => proxy.connections().length > 0);
    subscription.close();
    proxy.resume();
    await pass(300);
    expect(counts).toEqual({ listening: 0, deaf: 0 });
    expect(subscription.listening).toBe(false);
  });
});
