/**
 * A Redis of a test file's own, and the processes that fight over its locks. No process may end by itself: a lock
 * that brings a process down by an unhandled rejection fails the test in which that happened. One test's processes
 * serve the next, each with a new lock service, unless they were killed or are busy still.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startPrivateRedis } from '../../services/private-redis.js';
import type { PrivateServer } from '../../services/private-server.js';
import { LockProcess, type SentSettings } from './lock-process.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { until } from './until.js';

/**
 * Of every process here, unless a test says otherwise. With the short one of a server, a Redis that alone is not
 * scheduled for a moment would count as away, in tests that are about something else.
 */
const COMMAND_TIMEOUT_MS = 5_000;

interface StartOptions {
  readonly url?: string;
  readonly wallClockOffsetMs?: number;
  /** Whether the start is over only when Redis serves; false for a Redis that is away at that time. */
  readonly untilAvailable?: boolean;
}

export class LockArena {
  private readonly processes: LockProcess[] = [];
  /** Left by earlier tests, without a service. Starting a process takes longer than many a test. */
  private readonly spare: LockProcess[] = [];
  private readonly proxies: TcpProxy[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'stockade-arena-'));

  private constructor(
    readonly server: PrivateServer,
    /** For looking behind the scenes, and for doing damage. */
    readonly redis: Redis,
  ) {}

  static async open(args: readonly string[] = []): Promise<LockArena> {
    const server = await startPrivateRedis({ args });
    const redis = new Redis(server.url, { retryStrategy: () => 20 });
    // A server that a test has killed is no surprise.
    redis.on('error', () => undefined);
    return new LockArena(server, redis);
  }

  async start(settings: SentSettings = {}, options: StartOptions = {}): Promise<LockProcess> {
    const process = this.spare.pop() ?? (await LockProcess.spawn());
    this.processes.push(process);
    const { url = this.server.url, wallClockOffsetMs = 0, untilAvailable = true } = options;
    await process.open(
      url,
      { commandTimeoutMs: COMMAND_TIMEOUT_MS, ...settings },
      wallClockOffsetMs,
    );
    // A process that stands still while it connects starts without Redis, and the next acquire would be refused.
    if (untilAvailable) {
      await until('the lock in use', async () => (await process.health()).available);
    }
    return process;
  }

  startMany(count: number, settings: SentSettings = {}): Promise<LockProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.start(settings)));
  }

  /** Another way to the server, on which a network's faults can be had. It ends with the test. */
  async proxy(): Promise<TcpProxy> {
    const proxy = await startTcpProxy(this.server.url);
    this.proxies.push(proxy);
    return proxy;
  }

  /** A file that at most one holder may have open. */
  witness(name: string): string {
    return join(this.folder, name);
  }

  /** How many processes wait in Redis, whichever way their queue is kept. The arena must be about one key. */
  async queued(): Promise<number> {
    let queued = 0;
    for (const key of await this.redis.keys('*')) {
      const type = await this.redis.type(key);
      if (type === 'list') queued += await this.redis.llen(key);
      if (type === 'zset') queued += await this.redis.zcard(key);
    }
    return queued;
  }

  /** Lets a process wait for a key, and comes back when it is in the queue at Redis. */
  async queueUp(waiter: LockProcess, key: string, waitMs: number) {
    const before = await this.queued();
    const lease = waiter.acquire(key, waitMs);
    await until('the waiter in the queue', async () => (await this.queued()) > before);
    return { lease };
  }

  /** Breaks connections from the server's side, but this arena's own. Resolves with how many it were. */
  async killConnections(type: 'pubsub' | 'normal'): Promise<number> {
    return Number(await this.redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes'));
  }

  /** How many inboxes have a subscriber. */
  async listeners(): Promise<number> {
    const list = (await this.redis.client('LIST')) as string;
    return list.split('\n').filter((client) => /\b(sub|ssub|psub)=[1-9]/.test(client)).length;
  }

  async connections(): Promise<number> {
    return Number(/^connected_clients:(\d+)/m.exec(await this.redis.info('clients'))?.[1]);
  }

  /** How often scripts were run, counted by the server. */
  async scriptRuns(): Promise<number> {
    const info = await this.redis.info('commandstats');
    const runs = [...info.matchAll(/^cmdstat_(?:evalsha|eval|fcall):calls=(\d+)/gm)];
    return runs.reduce((sum, [, calls]) => sum + Number(calls), 0);
  }

  /** For afterEach: ends what the test has begun, and forgets all locks. @throws where a process ended by itself. */
  async clear(): Promise<void> {
    // Where a test has failed that had stopped it.
    await this.server.kill('SIGCONT');
    const processes = this.processes.splice(0);
    const complaints = processes.map((one) => one.complaint()).filter((said) => said !== null);
    const reusable = processes.filter((one) => one.isReusable);
    await Promise.all(processes.filter((one) => !one.isReusable).map((one) => one.kill()));
    await Promise.all(reusable.map((one) => one.stopService()));
    await this.stopProxies();
    await this.redis.flushall();
    this.spare.push(...reusable);
    if (complaints.length > 0)
      throw new Error(`A process ended by itself:\n${complaints.join('\n')}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.processes, ...this.spare].map((one) => one.kill()));
    await this.stopProxies();
    this.redis.disconnect();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async stopProxies(): Promise<void> {
    await Promise.all(this.proxies.splice(0).map((proxy) => proxy.stop()));
  }
}
