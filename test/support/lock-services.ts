/**
 * Lock services for tests, each as independent of the others as one of another process: an id, connections and queues
 * of its own. All are stopped after each test, and none may have a wrong count of waiters or holders.
 *
 * Redis counts as silent only after seconds here: a machine that has other work may leave it, or the test, without a
 * turn for longer than the product would wait. A test that is about silence gives its own bound.
 */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import {
  Deadline,
  LockTimeoutError,
  RedisLockService,
  systemClock,
  type LockLog,
  type RedisLockSettings,
} from '../../src/lock/index.js';
import { FakeClock } from './fake-clock.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { until } from './until.js';

export const REDIS_URL = process.env.REDIS_URL ?? '';

const COMMAND_TIMEOUT_MS = 5_000;

/** No lease ends, and none is renewed, while a test goes on; that of a hand-over is not either. */
export const LONG = { ttlMs: 600_000, claimTtlMs: 300_000 } as const;

export interface LogLine {
  readonly level: 'info' | 'warn';
  readonly details: object;
  readonly message: string;
}

export class LockServices {
  private readonly services: RedisLockService[] = [];
  private readonly clients: Redis[] = [];
  private readonly proxies: TcpProxy[] = [];

  /** A service that has not been started. */
  make(settings: Partial<RedisLockSettings> = {}): RedisLockService {
    const service = new RedisLockService({
      url: REDIS_URL,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      ...settings,
    });
    this.services.push(service);
    return service;
  }

  /** A service that Redis serves: its start resolves without that where the first greeting came too late. */
  async start(settings: Partial<RedisLockSettings> = {}): Promise<RedisLockService> {
    const service = this.make(settings);
    await service.start();
    await until('Redis serves the lock', () => service.health().available);
    return service;
  }

  /** A service whose time is the test's; that of Redis goes on as ever. It sends nothing unless the clock is moved. */
  async startFrozen(
    settings: Partial<RedisLockSettings> = {},
  ): Promise<{ readonly clock: FakeClock; readonly service: RedisLockService }> {
    const clock = new FakeClock();
    // Silence is judged by the clock, too, which here leaps.
    const service = await this.start({ clock, commandTimeoutMs: 86_400_000, ...settings });
    return { clock, service };
  }

  /** A proxy in front of Redis. */
  async openProxy(): Promise<TcpProxy> {
    const proxy = await startTcpProxy(REDIS_URL);
    this.proxies.push(proxy);
    return proxy;
  }

  /** A plain client, to look at Redis or to meddle. */
  redis(url = REDIS_URL): Redis {
    const client = new Redis(url, { maxRetriesPerRequest: 1 });
    client.on('error', () => undefined);
    this.clients.push(client);
    return client;
  }

  /** For afterEach. @throws where a service still counts waiters or holders after its stop. */
  async stopAll(): Promise<void> {
    const proxies = this.proxies.splice(0);
    for (const proxy of proxies) proxy.resume();
    const services = this.services.splice(0);
    await Promise.all(services.map((service) => service.stop()));
    for (const client of this.clients.splice(0)) client.disconnect();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    for (const service of services) {
      const { waitersNow, heldNow } = service.stats();
      if (waitersNow !== 0 || heldNow !== 0) {
        throw new Error(`A stopped service counts ${waitersNow} waiters and ${heldNow} holders.`);
      }
    }
  }
}

/** How long a call may wait; 0 tries once. The machine's clock runs it, whatever clock the service has. */
export function deadlineIn(ms: number, signal?: AbortSignal): Deadline {
  return Deadline.in(ms, systemClock, signal);
}

/** A key that no other test uses. */
export function uniqueKey(name = 'key'): string {
  return `lock:test:{${name}-${randomBytes(6).toString('hex')}}`;
}

export class CollectedLog implements LockLog {
  readonly lines: LogLine[] = [];

  info(details: object, message: string): void {
    this.lines.push({ level: 'info', details, message });
  }

  warn(details: object, message: string): void {
    this.lines.push({ level: 'warn', details, message });
  }

  /** What was warned of, as a text to search. */
  warnings(): string[] {
    return this.lines
      .filter(({ level }) => level === 'warn')
      .map(({ details, message }) => `${message} ${JSON.stringify(details)}`);
  }
}

/** The time-out that a wait must end in. */
export async function timeoutOf(promise: Promise<unknown>): Promise<LockTimeoutError> {
  const error = await errorOf(promise);
  if (error instanceof LockTimeoutError) return error;
  throw error;
}

/** The error of a promise that must not be fulfilled. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('This should have failed.');
}
