/**
 * What every contender runs on: one server, one schema, one data set, which is created anew before each trial and
 * compared with the contender's answers after it. The benchmark ends if the ledger does not explain every unit or lacks
 * the line of an acknowledged deduction.
 */
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { QueryTypes, type Sequelize } from 'sequelize';
import { withDatabase } from '../src/database/mysql-address.js';
import { openPool } from '../src/database/pool.js';
import { verifyLedger } from '../src/database/reading/ledger-verification.js';
import { migrate } from '../src/database/migrator.js';
import type { Services } from './contenders/contender.js';
import { measureFsync, type FsyncLatency } from './measurement/fsync-latency.js';
import { MysqlServer, type MysqlReading, type MysqlSettings } from './measurement/mysql-server.js';
import { RedisServer, type RedisReading } from './measurement/redis-server.js';
import type { Answers } from './workers/job.js';

/** Effectively unlimited: no run comes near it. */
export const UNLIMITED_UNITS = 1_000_000_000;
const HOUR_MS = 3_600_000;
export const PRODUCTS_MAX = 10_000;

export interface Reading {
  readonly mysql: MysqlReading;
  readonly redis: RedisReading;
}

export interface Ground {
  readonly mysql: MysqlSettings;
  readonly redisVersion: string;
  readonly fsync: FsyncLatency | null;
}

export interface LedgerCheck {
  readonly movements: number;
  readonly problems: 0;
}

export class TestBed {
  readonly mysql: MysqlServer;
  readonly redis: RedisServer;

  private constructor(
    readonly services: Services,
    readonly signal: AbortSignal,
    private readonly parts: {
      readonly serverUrl: string;
      readonly database: Sequelize;
      readonly redis: Redis;
      readonly name: string;
    },
  ) {
    this.mysql = new MysqlServer(parts.database);
    this.redis = new RedisServer(parts.redis);
  }

  /** Creates a database of the benchmark's own on the given server. */
  static async open(given: Services, signal: AbortSignal): Promise<TestBed> {
    const name = `stockade_bench_${randomBytes(5).toString('hex')}`;
    await runOnServer(given.mysqlUrl, `CREATE DATABASE ${name}`);
    const serverUrl = given.mysqlUrl;
    const mysqlUrl = withDatabase(serverUrl, name);
    await migrate(mysqlUrl);
    // Idle during trials, which are longer than the service lets a connection be silent.
    const database = openPool({ url: mysqlUrl, silenceMaxMs: HOUR_MS }, 1, {
      pool: { max: 1, min: 1, idle: HOUR_MS, evict: HOUR_MS, acquire: 60_000 },
    });
    const services = { mysqlUrl, redisUrl: given.redisUrl };
    const redis = new Redis(given.redisUrl);
    return new TestBed(services, signal, { serverUrl, database, redis, name });
  }

  /** @throws if the server does not flush each commit. */
  async survey(): Promise<Ground> {
    const mysql = await this.mysql.assertDurable();
    return {
      mysql,
      redisVersion: await this.redis.version(),
      fsync: await measureFsync([dirname(mysql.dataFolder.replace(/\/$/, '')), tmpdir()]),
    };
  }

  /** Empties all tables and inserts products, each with the same number of units. */
  async prepare(data: { readonly products: number; readonly units: number }): Promise<void> {
    const { database } = this.parts;
    await database.query('SET FOREIGN_KEY_CHECKS = 0');
    for (const table of TABLES) await database.query(`TRUNCATE TABLE ${table}`);
    await database.query('SET FOREIGN_KEY_CHECKS = 1');
    await insertProducts(database, data);
    await this.redis.forgetEverything();
  }

  forgetConnections(): Promise<void> {
    return this.mysql.forgetConnections();
  }

  async read(): Promise<Reading> {
    const [mysql, redis] = await Promise.all([this.mysql.read(), this.redis.read()]);
    return { mysql, redis };
  }

  /** @throws if the ledger is wrong, or differs from the answers. */
  verify(answers: readonly Answers[]): Promise<LedgerCheck> {
    return verifyAnswers(this.parts.database, answers);
  }

  async close(): Promise<void> {
    const { serverUrl, database, redis, name } = this.parts;
    redis.disconnect();
    await database.close();
    await runOnServer(serverUrl, `DROP DATABASE ${name}`);
  }
}

/** Compares a database with the answers. @throws if its ledger is wrong, or differs from them. */
export async function verifyAnswers(
  database: Sequelize,
  answers: readonly Answers[],
): Promise<LedgerCheck> {
  const report = await verifyLedger(database);
  const [bad] = report.problems;
  if (bad) throw new Error(`The ledger is wrong: ${bad.productId} ${bad.problem}.`);
  const [row] = await database.query<{ deductions: number }>(
    `SELECT (SELECT COUNT(*) FROM stock_movements WHERE kind = 'DEDUCTION')
          + (SELECT COUNT(*) FROM reservations) AS deductions`,
    { type: QueryTypes.SELECT },
  );
  const deductions = row?.deductions ?? 0;
  const taken = answers.reduce((sum, answer) => sum + answer.taken, 0);
  const unknown = answers.reduce((sum, answer) => sum + answer.unknown, 0);
  if (deductions < taken || deductions > taken + unknown) {
    throw new Error(
      `The ledger has ${deductions} deductions and reservations; ${taken} were answered and ${unknown} are unknown.`,
    );
  }
  return { movements: report.movements, problems: 0 };
}

/** Products `p-00000`, `p-00001` and so on, with their stock and its ledger lines. */
export async function insertProducts(
  database: Sequelize,
  data: { readonly products: number; readonly units: number },
): Promise<void> {
  await database.query(
    `INSERT INTO products (id, name)
     SELECT CONCAT('p-', LPAD(n, 5, '0')), CONCAT('Product ', n) FROM (${NUMBERS}) AS numbers WHERE n < ?
     ORDER BY n`,
    { replacements: [data.products] },
  );
  await database.query(
    `INSERT INTO stock_levels (product_id, location_id, on_hand, last_sequence, version)
     SELECT id, 'default', ?, 1, 1 FROM products ORDER BY id`,
    { replacements: [data.units] },
  );
  await database.query(
    `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after,
       available_after, operation_id, line_index)
     SELECT product_id, location_id, 1, 'INITIAL', on_hand, 0, on_hand, on_hand, UNHEX(SHA2(product_id, 256)), 0
     FROM stock_levels ORDER BY product_id`,
  );
}

/** On a connection that is closed afterwards, so that it is not counted for a contender. */
export async function runOnServer(url: string, sql: string): Promise<void> {
  const server = openPool({ url }, 1);
  try {
    await server.query(sql);
  } finally {
    await server.close();
  }
}

const TABLES = [
  'reservation_lines',
  'reservations',
  'stock_operations',
  'stock_movements',
  'stock_levels',
  'products',
];

const DIGITS = `(${Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ')})`;
/** 0 to 9,999. */
const NUMBERS = `SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n
  FROM ${DIGITS} AS a, ${DIGITS} AS b, ${DIGITS} AS c, ${DIGITS} AS e`;
