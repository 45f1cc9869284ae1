/**
 * The well-known lock in Redis, to the letter. A caller tries SET NX PX. After a failed try it opens a connection of
 * its own, subscribes to the lock's channel, and tries again at the next message. Release deletes the key for its owner
 * and publishes, in one script. Under the lock, a short transaction does a plain read and an update.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Sequelize } from 'sequelize';
import {
  RIVALS_POOLS,
  type Answer,
  type Contender,
  type ContenderKind,
  type Line,
} from './contender.js';
import { StockRows, openRivalPool, readsOf } from './stock-rows.js';

const TTL_MS = 5_000;
const TIMEOUT_MS = 10_000;

export const asDescribed: ContenderKind = {
  name: 'as-described',
  summary: 'SET NX PX, a subscribing connection for each waiter, read and update under the lock',
  forms: RIVALS_POOLS.filter(({ poolMax }) => poolMax === 10),
  repeatsMax: 1,
  open: (services, { poolMax }) => {
    const redis = new Redis(services.redisUrl);
    return Promise.resolve(new AsDescribed(openRivalPool(services, poolMax), redis));
  },
};

class AsDescribed implements Contender {
  readonly pools: Contender['pools'];
  private readonly manager: DistributedLockManager;
  private readonly stock: StockService;

  constructor(
    private readonly sequelize: Sequelize,
    private readonly redis: Redis,
  ) {
    this.pools = readsOf(sequelize);
    this.manager = new DistributedLockManager(new DistributedLockService(redis));
    this.stock = new StockService(sequelize);
  }

  deduct(line: Line): Promise<Answer> {
    return this.manager.executeWithLock(`lock:stock:${line.productId}`, () =>
      this.stock.decreaseStock(line),
    );
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.sequelize.close();
  }
}

class DistributedLockManager {
  constructor(private readonly service: DistributedLockService) {}

  async executeWithLock<T>(key: string, fn: () => Promise<T>): Promise<T> {
    const owner = await this.service.acquire(key);
    try {
      return await fn();
    } finally {
      await this.service.release(key, owner);
    }
  }
}

const RELEASE = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
    redis.call('PUBLISH', KEYS[2], 'released')
    return 1
  end
  return 0`;

class DistributedLockService {
  constructor(private readonly redis: Redis) {}

  /** @returns the owner's token. @throws if the lock was not acquired in time. */
  async acquire(key: string, ttlMs = TTL_MS, timeoutMs = TIMEOUT_MS): Promise<string> {
    const owner = randomUUID();
    const giveUpMs = performance.now() + timeoutMs;
    for (;;) {
      if ((await this.redis.set(key, owner, 'PX', ttlMs, 'NX')) === 'OK') return owner;
      const leftMs = giveUpMs - performance.now();
      if (leftMs <= 0) throw new Error(`The lock ${key} was not acquired in ${timeoutMs} ms.`);
      await this.waitForRelease(key, leftMs);
    }
  }

  async release(key: string, owner: string): Promise<void> {
    await this.redis.eval(RELEASE, 2, key, `${key}:released`, owner);
  }

  /** Resolves at the next message or after the time-out. */
  private async waitForRelease(key: string, timeoutMs: number): Promise<void> {
    const subscriber = this.redis.duplicate();
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(resolve, timeoutMs);
        subscriber.once('message', () => {
          resolve();
        });
        subscriber.subscribe(`${key}:released`).catch(reject);
      });
    } finally {
      clearTimeout(timer);
      subscriber.disconnect();
    }
  }
}

class StockService {
  private readonly rows: StockRows;

  constructor(private readonly sequelize: Sequelize) {
    this.rows = new StockRows(sequelize);
  }

  decreaseStock(line: Line): Promise<Answer> {
    return this.sequelize.transaction(async (transaction) => {
      const level = await this.rows.readLevel(transaction, line, { lock: false });
      if (level.onHand - level.reserved < line.quantity) return 'refused';
      // The statement compares, so a lost lock fails this call and oversells nothing.
      if (!(await this.rows.takeFromLevel(transaction, line))) return 'refused';
      await this.rows.insertMovement(transaction, line, level);
      return 'taken';
    });
  }
}
