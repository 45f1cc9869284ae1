/** Short conversations with private Redis servers: one command on a connection of its own, and waiting for a state. */
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { PrivateServer } from './private-server.js';
import { administrator, type RedisSecurity } from './redis-security.js';
import { ServiceError } from './service-errors.js';

/** An order ends the start, or the change, that needs it: a node that writes its state to a slow disk has the time. */
const ORDER_TIMEOUT_MS = 30_000;
/** Of a question to a server that may hang: it is asked again, or another server is. */
export const QUESTION_TIMEOUT_MS = 2_000;
const STATE_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 50;

export interface RedisAddress {
  readonly port: number;
}

/** One command. @throws the server's error, or the connection's, or that of the time-out. */
export async function redisCommand(
  { port }: RedisAddress,
  security: RedisSecurity,
  command: readonly [string, ...(string | number)[]],
  timeoutMs = ORDER_TIMEOUT_MS,
): Promise<unknown> {
  const redis = new Redis({
    ...administrator(security),
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    enableReadyCheck: false,
  });
  // The command fails with it.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    const [name, ...args] = command;
    return await redis.call(name, args.map(String));
  } finally {
    redis.disconnect();
  }
}

/** Whether the server answers as a primary with that many replicas in step, or as one of them. */
export async function replicationOf(
  server: RedisAddress,
  security: RedisSecurity,
): Promise<{ readonly role: string; readonly replicas: number; readonly linked: boolean }> {
  const question = ['INFO', 'replication'] as const;
  const info = String(await redisCommand(server, security, question, QUESTION_TIMEOUT_MS));
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1] ?? '';
  return {
    role: field('role'),
    replicas: [...info.matchAll(/^slave\d+:.*state=online/gm)].length,
    linked: field('master_link_status') === 'up',
  };
}

/** Asks until the answer is true; an error counts as "not yet". @throws ServiceError after a minute. */
export async function untilState(
  what: string,
  signal: AbortSignal,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const giveUpMs = performance.now() + STATE_TIMEOUT_MS;
  while (!(await isSo().catch(() => false))) {
    signal.throwIfAborted();
    if (performance.now() > giveUpMs) {
      throw new ServiceError(`Redis: ${what} is not so after ${STATE_TIMEOUT_MS / 1_000} s.`);
    }
    await wait(POLL_INTERVAL_MS);
  }
}

/** Starts servers side by side; stops all of them if one fails. */
export async function startTogether(
  starts: readonly (() => Promise<PrivateServer>)[],
): Promise<PrivateServer[]> {
  const outcomes = await Promise.allSettled(starts.map((start) => start()));
  const servers = outcomes.flatMap((o) => (o.status === 'fulfilled' ? [o.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (!failed) return servers;
  await stopAll(servers);
  throw failed.reason;
}

export async function stopAll(servers: readonly PrivateServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
