/**
 * A counter in Redis decides, and the database is written later, in the largest batches that there are. It is the
 * fastest way and keeps the least: what was answered and not yet written is lost with the process.
 */
import { Redis } from 'ioredis';
import type { Sequelize } from 'sequelize';
import type { Answer, Contender, ContenderKind, Line } from './contender.js';
import { StockRows, openRivalPool, readsOf } from './stock-rows.js';

const TAKE = `local left = redis.call('DECRBY', KEYS[1], ARGV[1])
if left >= 0 then return 1 end
redis.call('INCRBY', KEYS[1], ARGV[1])
return 0`;
/** Lines of one transaction. */
const BATCH_MAX = 500;

export const redisCounter: ContenderKind = {
  name: 'redis-counter',
  summary:
    'a counter in Redis decides, and MySQL is written later: a crash loses what was answered',
  forms: [{ label: 'written later', poolMax: 10 }],
  repeatsMax: 1,
  open: (services, { poolMax }) =>
    Promise.resolve(
      new RedisCounter(new Redis(services.redisUrl), openRivalPool(services, poolMax)),
    ),
};

class RedisCounter implements Contender {
  readonly pools: Contender['pools'];
  private readonly rows: StockRows;
  private readonly counters = new Map<string, Promise<unknown>>();
  private readonly unwritten = new Map<string, Line[]>();
  private writing: Promise<void> | null = null;
  private failure: unknown;

  constructor(
    private readonly redis: Redis,
    private readonly sequelize: Sequelize,
  ) {
    this.pools = readsOf(sequelize);
    this.rows = new StockRows(sequelize);
  }

  async deduct(line: Line): Promise<Answer> {
    const { productId, quantity } = line;
    const key = keyOf(productId);
    let counter = this.counters.get(productId);
    if (!counter) this.counters.set(productId, (counter = this.fill(line)));
    await counter;
    if ((await this.redis.eval(TAKE, 1, key, quantity)) !== 1) return 'refused';
    const lines = this.unwritten.get(productId) ?? [];
    lines.push(line);
    this.unwritten.set(productId, lines);
    this.writing ??= this.write().catch((error: unknown) => {
      this.failure = error;
    });
    return 'taken';
  }

  async settle(): Promise<void> {
    await this.writing;
    if (this.failure !== undefined)
      throw new Error('Not all was written.', { cause: this.failure });
  }

  async close(): Promise<void> {
    await this.settle();
    this.redis.disconnect();
    await this.sequelize.close();
  }

  private async fill(line: Line): Promise<void> {
    const level = await this.rows.readLevel(null, line, { lock: false });
    await this.redis.set(keyOf(line.productId), level.onHand - level.reserved, 'NX');
  }

  private async write(): Promise<void> {
    for (const [productId, waiting] of this.unwritten) {
      const lines = waiting.splice(0, BATCH_MAX);
      if (waiting.length === 0) this.unwritten.delete(productId);
      await this.sequelize.transaction((transaction) => this.rows.takeAll(transaction, lines));
      // What came meanwhile lies at the end of the map, or in the same list.
      if (waiting.length > 0) {
        this.unwritten.delete(productId);
        this.unwritten.set(productId, waiting);
      }
    }
    this.writing = null;
  }
}

function keyOf(productId: string): string {
  return `bench:counter:${productId}`;
}
