/**
 * The product: its own classes, composed as in the server, with default settings. `lanes` changes nothing, `per-line`
 * has STOCK_BATCH_MAX=1, `unlocked` has STOCK_LOCK=none.
 */
import { systemClock, systemRandomBytes } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';
import { loadConfig, type Config } from '../../src/config.js';
import { Database } from '../../src/database/connections.js';
import { MysqlReservationCatalogue } from '../../src/database/reading/reservation-catalogue.js';
import { readFleetKey } from '../../src/database/reading/fleet-key.js';
import { MysqlStockStore } from '../../src/database/writing/stock-store.js';
import { Delegation } from '../../src/inventory/delegation/delegation.js';
import { Operations } from '../../src/inventory/operation.js';
import { stockOperations, type StockOperations } from '../../src/inventory/stock-operations.js';
import { TimeOuts } from '../../src/inventory/time-outs.js';
import { DistributedTurns, LocalTurns } from '../../src/inventory/lanes/turns.js';
import { StockService } from '../../src/inventory/lanes/stock-service.js';
import { DistributedLockManager, RedisLockService } from '../../src/lock/index.js';
import {
  RESERVATION_TTL_SECONDS,
  type Answer,
  type Contender,
  type ContenderKind,
  type Form,
  type Line,
  type Services,
} from './contender.js';

/** One pool size: COMMITS_MAX bounds the product's writing connections, not the pool. */
const FORMS: readonly Form[] = [{ label: 'pool 10', poolMax: 10 }];

export const lanes: ContenderKind = {
  name: 'lanes',
  summary: 'the product: one lock and one transaction for all that waits',
  forms: FORMS,
  open: (services, form) => openProduct(services, form, {}),
};

export const perLine: ContenderKind = {
  name: 'per-line',
  summary: 'the product with STOCK_BATCH_MAX=1: one lock and one transaction for each line',
  forms: FORMS,
  repeatsMax: 1,
  open: (services, form) => openProduct(services, form, { STOCK_BATCH_MAX: '1' }),
};

export const unlocked: ContenderKind = {
  name: 'unlocked',
  summary: 'the product with STOCK_LOCK=none: its lanes alone, without the distributed lock',
  forms: FORMS,
  open: (services, form) => openProduct(services, form, { STOCK_LOCK: 'none' }),
};

async function openProduct(
  services: Services,
  form: Form,
  env: Readonly<Record<string, string>>,
): Promise<Contender> {
  const config = loadConfig({
    // No request comes over HTTP here, so none has to be authenticated.
    NODE_ENV: 'test',
    MYSQL_URL: services.mysqlUrl,
    REDIS_URL: services.redisUrl,
    MYSQL_POOL_MAX: String(form.poolMax),
    ...env,
  });
  const times = timeOutsOf(config);
  const database = new Database({
    url: config.mysqlUrl,
    poolMax: config.mysqlPoolMax,
    commitsMax: config.commitsMax,
  });
  const lock = config.stockLock === 'redis' ? await openLock(services.redisUrl, config) : null;
  const locking = lock
    ? new DistributedTurns(
        new DistributedLockManager(lock, { waitMs: times.waitMs }),
        { fallback: config.lockFallback },
        lock,
      )
    : new LocalTurns(false);
  const delegation = lock
    ? new Delegation(lock, await readFleetKey(database.writer), systemClock, systemRandomBytes)
    : null;
  const stock = new StockService(new MysqlStockStore(database.writer), locking, {
    handOver: delegation?.outgoing,
    turnMaxMs: times.ttlMs,
    lockWaitMs: times.waitMs,
    batchMax: config.stockBatchMax,
    queueMax: config.laneQueueMax,
    queueMaxPerPrincipal: config.laneQueueMaxPerPrincipal,
    commitsMax: config.commitsMax,
  });
  delegation?.serve(stock);
  return new Product({ database, lock, stock, config });
}

/** As they begin: a run measures one setting. */
function timeOutsOf({ lockTtlMs: ttlMs, lockWaitMs: waitMs, requestTimeoutMs }: Config): TimeOuts {
  return new TimeOuts({ ttlMs, waitMs, requestTimeoutMs, clock: systemClock });
}

async function openLock(url: string, config: Config): Promise<RedisLockService> {
  const lock = new RedisLockService({
    url,
    ttlMs: timeOutsOf(config).ttlMs,
    queueMax: config.laneQueueMax,
  });
  const health = await lock.start();
  if (!health.available) throw new Error(`Redis does not serve the lock: ${health.reason ?? '?'}`);
  return lock;
}

class Product implements Contender {
  readonly pools: Contender['pools'];
  private readonly operations: StockOperations;

  constructor(
    private readonly parts: {
      readonly database: Database;
      readonly lock: RedisLockService | null;
      readonly stock: StockService;
      readonly config: Config;
    },
  ) {
    this.pools = parts.database;
    const { stock, database, config } = parts;
    this.operations = stockOperations(
      stock,
      new Operations(systemRandomBytes),
      new MysqlReservationCatalogue(database),
      { batchMax: config.stockBatchMax },
    );
  }

  async deduct(line: Line): Promise<Answer> {
    const deadline = Deadline.in(this.parts.config.requestTimeoutMs, systemClock);
    const caller = { principal: null, deadline };
    const response = await this.operations.deductStock.execute(
      { items: [line], mode: 'PARTIAL' },
      caller,
    );
    const verdict = response.results[0]?.verdict;
    if (verdict?.outcome === 'APPLIED') return 'taken';
    if (verdict?.failure.code === 'INSUFFICIENT_STOCK') return 'refused';
    throw new Error(`The line failed: ${verdict?.failure.code ?? 'no verdict'}.`);
  }

  async reserve(line: Line): Promise<Answer> {
    const deadline = Deadline.in(this.parts.config.requestTimeoutMs, systemClock);
    const caller = { principal: null, deadline };
    const { reservation, failedItems } = await this.operations.reservations.reserve(
      { items: [line], ttlSeconds: RESERVATION_TTL_SECONDS },
      caller,
    );
    if (reservation) return 'taken';
    const verdict = failedItems[0]?.verdict;
    const code = verdict?.outcome === 'REFUSED' ? verdict.failure.code : 'there is no verdict';
    if (code === 'INSUFFICIENT_STOCK') return 'refused';
    throw new Error(`The reservation failed: ${code}.`);
  }

  async close(): Promise<void> {
    const { stock, lock, database, config } = this.parts;
    await stock.stop(config.shutdownGraceMs);
    await lock?.stop();
    await database.close();
  }
}
