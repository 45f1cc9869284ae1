/**
 * The composition root: builds everything with `new`, in the order in which it depends on each other, and stops it in
 * the reverse order. The only file that sees every folder.
 */
import type { Worker } from 'node:cluster';
import type { Logger } from 'pino';
import { ApiKeyVerifier } from './auth/api-key-verifier.js';
import { BearerAuthenticator } from './auth/bearer-authenticator.js';
import { JwtVerifier } from './auth/jwt-verifier.js';
import { openChanges } from './change-parts.js';
import type { StockFeed } from './changes/stock-feed.js';
import type { Config } from './config.js';
import { openConsole, openPersistedDocuments } from './console-parts.js';
import { Database } from './database/connections.js';
import type { PoolSettings } from './database/pool.js';
import { startFleet } from './fleet-parts.js';
import type { Fleet } from './fleet/fleet.js';
import { Traffic } from './fleet/traffic.js';
import { assertMigrated, migrate } from './database/migrator.js';
import { MysqlAnswerArchive } from './database/writing/answer-archive.js';
import { MysqlLocationCatalogue } from './database/reading/location-catalogue.js';
import { MysqlApiKeyStore } from './database/api-key-store.js';
import { MysqlProductCatalogue } from './database/reading/product-catalogue.js';
import { MysqlReservationCatalogue } from './database/reading/reservation-catalogue.js';
import { MysqlReservationExtender } from './database/writing/reservation-extension.js';
import { MysqlJourneys } from './database/reading/journeys.js';
import { readFleetKey } from './database/reading/fleet-key.js';
import { MysqlStockStore } from './database/writing/stock-store.js';
import { WriteProbe } from './database/write-probe.js';
import { CompiledOperations } from './graphql/compiled/compiled-operations.js';
import type { Services } from './graphql/context.js';
import { DocumentStore } from './graphql/document-store.js';
import { RefusalLog } from './graphql/refusal-log.js';
import { GraphqlServer } from './http/server.js';
import { AnswerRetention } from './inventory/answer-retention.js';
import { Delegation, fleetNameOf } from './inventory/delegation/delegation.js';
import { Journeys } from './inventory/journey.js';
import { LocationService } from './inventory/location-service.js';
import { ProductService } from './inventory/product-service.js';
import { RecurringWork } from './inventory/recurring-work.js';
import { ReservationExtension } from './inventory/reservation-extension.js';
import { ReservationList, type ReservationLister } from './inventory/reservation-list.js';
import { ReservationSweeper } from './inventory/reservation-sweeper.js';
import { Operations } from './inventory/operation.js';
import { MeasuredStockStore, MeasuredTurns } from './inventory/measures.js';
import { TimeOuts } from './inventory/time-outs.js';
import { WriteHealth } from './inventory/write-health.js';
import { stockOperations } from './inventory/stock-operations.js';
import { DistributedTurns, LocalTurns, type Turns } from './inventory/lanes/turns.js';
import { StockService } from './inventory/lanes/stock-service.js';
import type { ReservationCatalogue } from './inventory/reservation.js';
import {
  DistributedLockManager,
  RedisLockService,
  RedlockService,
  type RunningLockService,
} from './lock/index.js';
import { Observing } from './observing.js';
import { stockadeMetrics } from './metrics/stockade-metrics.js';
import { WorkerMetrics } from './metrics/worker-metrics.js';
import { Started } from './started.js';
import { RequestLimit } from './rate-limit/request-limit.js';
import { Readiness, type ReadinessParts } from './http/readiness.js';
import {
  systemClock,
  systemRandom,
  systemRandomBytes,
  type Clock,
  type Random,
} from './time/clock.js';
import { Deadline } from './time/deadline.js';

export interface App {
  /** Where it serves, as in `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** Runs one operation without HTTP: for tests at the resolvers' level. */
  readonly execute: GraphqlServer['execute'];
  /** Finishes what is under way, within the grace period, and closes every connection. Safe to call twice. */
  stop(): Promise<void>;
}

export interface AppOptions {
  readonly log?: Logger;
  /** Told of every statement that goes to MySQL: for tests that count them. */
  readonly onStatement?: (sql: string) => void;
  /** Compiles operations at their first sighting: for tests that send each once. */
  readonly compileAtFirst?: boolean;
  /** The channel to the primary process, in a worker. */
  readonly primary?: Worker | undefined;
  /** Of the development server. */
  readonly saleTrials?: Services['saleTrials'];
}

interface Shared {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/** How often expired reservations are given back; it only bounds how late subscribers learn of it. */
const SWEEP_INTERVAL_MS = 1_000;
const RETENTION_INTERVAL_MS = 60_000;
const PRIMARY_WATCH_INTERVAL_MS = 1_000;
/** Longer than a small statement takes on a healthy server. */
const PRIMARY_ANSWER_MAX_MS = 2_000;

/** @throws where the database is away or behind, the port is taken, or Redis refuses us. */
export async function startApp(config: Config, options: AppOptions = {}): Promise<App> {
  const observing = await Observing.open(config, options.log);
  const { log } = observing;
  const shared = { log, clock: systemClock, random: systemRandom };
  const started = new Started(log);
  started.push('telemetry', () => observing.stop());
  try {
    const times = buildTimeOuts(config, shared);
    const told = { log, onStatement: options.onStatement, ...observing.database };
    const database = await openDatabase(config, { times, ...told });
    started.push('database', () => database.close());

    const fleetKey = await readFleetKey(database.writer);
    const lock = await startLock(openLock(config, { times, log, fleetKey }), started);

    const { publisher, feed } = await openChanges(config, database, shared, started);

    const refusals = new RefusalLog(log);
    const health = watchWrites(database, shared, started);
    const heldUnitsMax = config.reservedUnitsMaxPerPrincipal;
    const traffic = new Traffic(systemClock);
    const { measuring } = observing;
    const settings = { changes: feed, heldUnitsMax, health, counts: measuring.transactions };
    const store = new MysqlStockStore(database.writer, settings);
    const delegation = openDelegation(lock, fleetKey);
    const parts = { store, lock, delegation, refusals, health, observing, times, traffic };
    const stock = buildStock(config, parts);
    started.push('lanes', () => stock.stop(config.shutdownGraceMs));

    const reservations = new MysqlReservationCatalogue(database);
    startRecurringWork(buildRecurringWork(config, database, stock, log), started);

    const readiness = buildReadiness(config, { database, writes: health, lock });
    const authenticator = buildAuthenticator(config, database, log);
    const requestLimit = await openRequestLimit(config, shared, started);
    const documents = new DocumentStore();
    const pages = openConsole(config, { log, development: options.saleTrials !== undefined });
    const persisted = openPersistedDocuments(config, pages);
    const compiled = new CompiledOperations(config.graphqlCompiled, options.compileAtFirst);
    const door = { documents, persisted, compiled, authenticator, requestLimit, refusals };
    const connections = { stats: () => server.stats() };
    const metrics = stockadeMetrics({
      ...{ lock, delegation, feed, publisher, connections, times, stock, readiness },
      ...{ ...door, ...measuring.sources, writes: health, database },
    });
    const fleet = startFleet({
      ...{ config, log, traffic, fleetKey, lock, stock, delegation, readiness, health },
      ...{ database, publisher, requestLimit },
    });
    started.push('fleet', () => fleet.stop());
    const parties = { config, database, stock: observing.stock(stock), reservations, feed, fleet };
    const services = await openServices(parties);
    const server = buildServer(config, {
      services: { ...services, saleTrials: options.saleTrials },
      pages,
      log,
      readiness: () => readiness.report(),
      ...observing.requests,
      ...door,
      metrics: options.primary ? new WorkerMetrics(metrics, options.primary, systemClock) : metrics,
    });
    started.push('server', () => drain(config, { readiness, stock, server }));
    const url = await server.start();
    log.info({ url, stockLock: config.stockLock }, 'Stockade serves.');
    return { url, execute: server.execute, stop: () => started.stop() };
  } catch (error) {
    await started.stop();
    throw error;
  }
}

/** Takes no new work, and finishes what clients wait for. */
async function drain(
  { shutdownDelayMs }: Config,
  parts: {
    readonly readiness: Readiness;
    readonly stock: StockService;
    readonly server: GraphqlServer;
  },
): Promise<void> {
  const { readiness, stock, server } = parts;
  readiness.drain();
  server.leave();
  stock.resign();
  await new Promise<void>((resolve) => systemClock.after(shutdownDelayMs, resolve));
  await server.stop();
}

async function openDatabase(
  config: Config,
  {
    times,
    ...told
  }: { readonly times: TimeOuts } & Pick<PoolSettings, 'log' | 'onStatement' | 'aroundStatement'>,
): Promise<Database> {
  if (config.migrateOnStart) await migrate(config.mysqlUrl);
  else await assertMigrated(config.mysqlUrl);
  return new Database({
    url: config.mysqlUrl,
    poolMax: config.mysqlPoolMax,
    commitsMax: config.commitsMax,
    // The server's sessions are not changed when the time to live is.
    silentTransactionMaxMs: times.ttlLeastMs,
    readMaxMs: config.requestTimeoutMs,
    readsMayBeBehind: config.readConsistency === 'eventual',
    ...told,
  });
}

function buildTimeOuts(config: Config, { clock, log }: Shared): TimeOuts {
  const { lockTtlMs: ttlMs, lockWaitMs: waitMs, requestTimeoutMs } = config;
  return new TimeOuts({ ttlMs, waitMs, requestTimeoutMs, clock, log });
}

function watchWrites(database: Database, shared: Shared, started: Started): WriteHealth {
  const probe = new WriteProbe(database, shared.random);
  const health = new WriteHealth({ ...shared, probe: (deadline) => probe.commit(deadline) });
  started.push('write health', () => {
    health.stop();
    return Promise.resolve();
  });
  // A process that writes nothing would not find out that its server no longer takes writes.
  const leaveDemoted = async () => {
    if (health.isFresh) return;
    await probe.leaveDemoted(Deadline.in(PRIMARY_ANSWER_MAX_MS, shared.clock));
  };
  const times = { intervalMs: PRIMARY_WATCH_INTERVAL_MS, onError: logOf(shared.log) };
  startRecurringWork([new RecurringWork(leaveDemoted, times)], started);
  return health;
}

function buildReadiness(
  { stockLock, lockFallback }: Config,
  parts: Pick<ReadinessParts, 'database' | 'writes' | 'lock'>,
): Readiness {
  return new Readiness({ ...parts, stockLock, lockIsNeeded: lockFallback === 'fail' });
}

async function startLock(
  lock: RunningLockService | null,
  started: Started,
): Promise<RunningLockService | null> {
  if (!lock) return null;
  started.push('lock', () => lock.stop());
  await lock.start();
  return lock;
}

/** Null where the database alone serializes writes. */
function openLock(
  config: Config,
  parts: { readonly times: TimeOuts; readonly log: Logger; readonly fleetKey: Buffer },
): RunningLockService | null {
  const { times, log, fleetKey } = parts;
  const { stockLock, redisUrl: url = '', laneQueueMax: queueMax } = config;
  if (stockLock !== 'redis' && stockLock !== 'redlock') return null;
  const Service = stockLock === 'redis' ? RedisLockService : RedlockService;
  return new Service({
    ...{ url, queueMax, ...(stockLock === 'redis' && { fleet: fleetNameOf(fleetKey) }) },
    ttlMs: () => times.ttlMs,
    // The lock logs that Redis is away; what follows from that is decided here.
    log: log.child({
      [stockLock === 'redis' ? 'withoutRedis' : 'withoutMajority']:
        config.lockFallback === 'fail'
          ? 'deductions are refused as UNAVAILABLE'
          : 'deductions run under the row locks of the database',
    }),
  });
}

function buildAuthenticator(
  config: Config,
  database: Database,
  log: Logger,
): BearerAuthenticator | null {
  if (config.auth.length === 0) {
    log.info('AUTH is none: requests need no credentials and have all scopes.');
    return null;
  }
  return new BearerAuthenticator({
    apiKeys: config.auth.includes('keys')
      ? new ApiKeyVerifier(new MysqlApiKeyStore(database))
      : null,
    jwts: config.jwt ? new JwtVerifier(config.jwt) : null,
    failuresMaxPerAddress: config.authFailuresMaxPerAddress,
  });
}

async function openRequestLimit(
  { rateLimit, redisUrl }: Config,
  shared: Shared,
  started: Started,
): Promise<RequestLimit | null> {
  if (!rateLimit || redisUrl === undefined) return null;
  const requestLimit = new RequestLimit({ ...shared, ...rateLimit, redisUrl });
  started.push('rate limit', () => requestLimit.stop());
  await requestLimit.start();
  return requestLimit;
}

async function openServices(parts: {
  readonly config: Config;
  readonly database: Database;
  readonly stock: ReturnType<Observing['stock']>;
  readonly reservations: ReservationCatalogue & ReservationLister;
  readonly feed: StockFeed;
  readonly fleet: Fleet;
}): Promise<Services> {
  const { config, database, stock, reservations, feed, fleet } = parts;
  const settings = { batchMax: config.stockBatchMax };
  // The products of a reservation are read before their turns are asked for.
  const decided = new MysqlReservationCatalogue({ reader: database.decidingReader });
  const locations = new LocationService(new MysqlLocationCatalogue(database), stock.slots);
  // Their number bounds what lists by location may hold.
  await locations.locations(Deadline.in(config.requestTimeoutMs, systemClock));
  return {
    ...stockOperations(stock, new Operations(systemRandomBytes), decided, settings),
    reservationExtension: new ReservationExtension(
      new MysqlReservationExtender(database.writer),
      stock.slots,
    ),
    reservationList: new ReservationList(reservations),
    locations,
    products: new ProductService(new MysqlProductCatalogue(database, feed), stock.slots),
    stockWatch: feed,
    fleet,
    journeys: new Journeys(new MysqlJourneys(database)),
  };
}

function startRecurringWork(works: readonly RecurringWork[], started: Started): void {
  for (const work of works) {
    started.push('recurring work', () => work.stop());
    work.start();
  }
}

function buildRecurringWork(
  config: Config,
  database: Database,
  stock: StockService,
  log: Logger,
): readonly RecurringWork[] {
  const onError = logOf(log);
  const reservations = new MysqlReservationCatalogue({ reader: database.backgroundReader });
  const sweeper = new ReservationSweeper(stock, reservations, database, config.requestTimeoutMs);
  const retention = new AnswerRetention(
    new MysqlAnswerArchive(database),
    stock.slots,
    database,
    config.idempotencyRetentionDays,
  );
  return [
    new RecurringWork((signal) => sweeper.sweep(signal), {
      intervalMs: SWEEP_INTERVAL_MS,
      onError,
    }),
    new RecurringWork((signal) => retention.expire(signal), {
      intervalMs: RETENTION_INTERVAL_MS,
      onError,
    }),
  ];
}

function logOf(log: Logger): (error: unknown) => void {
  return (error) => {
    log.error({ err: error }, 'Recurring work failed; it is tried again.');
  };
}

function buildStock(
  config: Config,
  {
    store,
    lock,
    delegation,
    refusals,
    health,
    observing,
    times,
    traffic,
  }: {
    store: MysqlStockStore;
    lock: RunningLockService | null;
    delegation: Delegation | null;
    refusals: RefusalLog;
    health: WriteHealth;
    observing: Observing;
    times: TimeOuts;
    traffic: Traffic;
  },
): StockService {
  const measures = observing.measuring.measuresFor(times, health, traffic);
  const { onResult } = observing;
  const turns = new MeasuredTurns(buildTurns(config, lock, times), measures, systemClock);
  const measured = new MeasuredStockStore(store, measures, systemClock);
  const stock = new StockService(observing.store(measured), turns, {
    writes: health,
    handOver: delegation?.outgoing,
    get turnMaxMs() {
      return times.ttlMs;
    },
    get lockWaitMs() {
      return times.waitMs;
    },
    batchMax: config.stockBatchMax,
    queueMax: config.laneQueueMax,
    queueMaxPerPrincipal: config.laneQueueMaxPerPrincipal,
    commitsMax: config.commitsMax,
    onResult: (write, result) => {
      onResult(write, result);
      traffic.answered(write, result);
    },
    onWaited: (waitMs) => {
      traffic.waited(waitMs);
    },
    onOverloaded: (principal) => {
      const reason = 'A queue of the product, or what one principal may have of it, is full.';
      refusals.add({ kind: 'overload', reason, principal });
    },
  });
  delegation?.serve(stock);
  return stock;
}

/** Null where products have no owners. */
function openDelegation(lock: RunningLockService | null, key: Buffer): Delegation | null {
  if (!(lock instanceof RedisLockService)) return null;
  return new Delegation(lock, key, systemClock, systemRandomBytes);
}

function buildTurns(config: Config, lock: RunningLockService | null, times: TimeOuts): Turns {
  if (lock) {
    const manager = new DistributedLockManager(lock, { waitMs: times.waitMs });
    const owners = lock instanceof RedisLockService ? lock : null;
    return new DistributedTurns(manager, { fallback: config.lockFallback }, owners);
  }
  return new LocalTurns(config.stockLock === 'database');
}

type ServerParts = Pick<
  ConstructorParameters<typeof GraphqlServer>[0],
  | 'pages'
  | 'services'
  | 'log'
  | 'refusals'
  | 'readiness'
  | 'documents'
  | 'persisted'
  | 'compiled'
  | 'authenticator'
  | 'requestLimit'
  | 'metrics'
  | 'observer'
  | 'aroundRequest'
>;

function buildServer(config: Config, parts: ServerParts): GraphqlServer {
  return new GraphqlServer({
    ...config,
    ...parts,
    bounds: config,
  });
}
