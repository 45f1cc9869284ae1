/**
 * Three processes, each at its own member of a MySQL group in which all members write. Two members that write one row
 * at a time conflict: the group certifies one of the transactions and rolls the other back. The lock decides which
 * process writes a product, so with it there should be no such conflicts; how many there were is counted.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { MysqlCluster } from '../../services/mysql-cluster.js';
import { startMysqlGroup } from '../../services/mysql-group.js';
import { ServiceError } from '../../services/service-errors.js';
import { migrate } from '../../src/database/migrator.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import { openPool } from '../../src/database/pool.js';
import { MysqlServer, type MysqlReading } from '../measurement/mysql-server.js';
import { toRow, type Row } from '../report/row.js';
import {
  UNLIMITED_UNITS,
  insertProducts,
  runOnServer,
  verifyAnswers,
  type LedgerCheck,
  type Reading,
  type TestBed,
} from '../test-bed.js';
import type { Answers } from '../workers/job.js';
import { jobOf } from './closed-loops.js';
import {
  CannotRun,
  Workers,
  formsOfContender,
  type Measurable,
  type Scenario,
  type Trial,
} from './scenario.js';

const DATABASE = 'stockade_bench';
const CALLERS_PER_MEMBER = 66;
const PRODUCTS = 300;
const WARM_UP_MS = 4_000;
/** Relative to the other scenarios' time: the servers take long to start, and conflicts are rare. */
const SECONDS_FACTOR = 2;
const HOUR_MS = 3_600_000;
/** As durable as the one server of the other scenarios. */
const DURABLE = ['--innodb-flush-log-at-trx-commit=1', '--sync-binlog=1'];

export const group: Scenario = {
  name: 'group',
  what: `${3 * CALLERS_PER_MEMBER} callers, ${PRODUCTS} products, 3 processes at 3 members that all write`,
  merit: 'opsPerSecond',
  contenders: ['lanes'],
  known: ['lanes', 'for-update', 'conditional-update'],
  repeatsMax: 1,
  formsOf: (contender) => formsOfContender(contender).filter(({ poolMax }) => poolMax === 10),
  run: async (trial, bed) => {
    const cluster = await startMysqlGroup({
      mode: 'multi-primary',
      signal: bed.signal,
      args: DURABLE,
    }).catch((error: unknown) => {
      if (!(error instanceof ServiceError)) throw error;
      throw new CannotRun(`no MySQL group can be started: ${error.message}`, { cause: error });
    });
    try {
      return [await measureGroup(trial, bed, cluster)];
    } finally {
      await cluster.stop();
    }
  },
};

async function measureGroup(trial: Trial, bed: TestBed, cluster: MysqlCluster): Promise<Row> {
  const members = await GroupMembers.open(cluster, bed);
  try {
    const jobs = members.urls.map((mysqlUrl, i) => {
      const services = { mysqlUrl, redisUrl: bed.services.redisUrl };
      return jobOf(trial, services, { products: PRODUCTS, seed: i + 1 });
    });
    let conflicts = 0;
    const { value, answers } = await Workers.use(members, jobs, async (workers) => {
      await workers.warmUp(CALLERS_PER_MEMBER, WARM_UP_MS);
      const before = await members.conflicts();
      const seconds = trial.seconds * SECONDS_FACTOR;
      const measured = await workers.measureFor(CALLERS_PER_MEMBER, seconds);
      conflicts = (await members.conflicts()) - before;
      return measured;
    });
    const callers = CALLERS_PER_MEMBER * jobs.length;
    const row = toRow({ scenario: 'group', ...trial, point: '', callers }, value, null);
    return { ...row, conflicts, ledger: await members.verify(answers) };
  } finally {
    await members.close();
  }
}

/** The members as one: their counters are added up. */
class GroupMembers implements Measurable {
  private readonly servers: readonly MysqlServer[];

  private constructor(
    private readonly cluster: MysqlCluster,
    private readonly bed: TestBed,
    readonly urls: readonly string[],
    private readonly pools: readonly Sequelize[],
  ) {
    this.servers = pools.map((pool) => new MysqlServer(pool));
  }

  /** Creates the data at one member, and waits until all of them have it. */
  static async open(cluster: MysqlCluster, bed: TestBed): Promise<GroupMembers> {
    const { url } = await cluster.primary();
    await runOnServer(url, `CREATE DATABASE ${DATABASE}`);
    const first = withDatabase(url, DATABASE);
    await migrate(first);
    const filling = openPool({ url: first }, 1);
    try {
      await insertProducts(filling, { products: PRODUCTS, units: UNLIMITED_UNITS });
    } finally {
      await filling.close();
    }
    await cluster.caughtUp();
    await bed.redis.forgetEverything();
    const urls = cluster.members.map((member) => withDatabase(member.url, DATABASE));
    // Idle during the trial, which is longer than the service lets a connection be silent.
    const pools = urls.map((each) =>
      openPool({ url: each, silenceMaxMs: HOUR_MS }, 1, {
        pool: { max: 1, min: 1, idle: HOUR_MS, evict: HOUR_MS, acquire: 60_000 },
      }),
    );
    return new GroupMembers(cluster, bed, urls, pools);
  }

  get signal(): AbortSignal {
    return this.bed.signal;
  }

  async forgetConnections(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.forgetConnections()));
  }

  async read(): Promise<Reading> {
    const [mysql, redis] = await Promise.all([
      Promise.all(this.servers.map((server) => server.read())),
      this.bed.redis.read(),
    ]);
    return { mysql: sumOf(mysql), redis };
  }

  /** Transactions that the group has not certified so far. Each member certifies those of all. */
  async conflicts(): Promise<number> {
    const counts = await Promise.all(
      this.pools.map(async (pool) => {
        const [row] = await pool.query<{ conflicts: number }>(
          `SELECT COUNT_CONFLICTS_DETECTED AS conflicts FROM performance_schema.replication_group_member_stats
           WHERE MEMBER_ID = @@server_uuid`,
          { type: QueryTypes.SELECT },
        );
        return Number(row?.conflicts);
      }),
    );
    return Math.max(...counts);
  }

  /** @throws if the ledger of a member is wrong, or differs from the answers. */
  async verify(answers: readonly Answers[]): Promise<LedgerCheck> {
    await this.cluster.caughtUp();
    const checks = await Promise.all(this.pools.map((pool) => verifyAnswers(pool, answers)));
    const [check] = checks as [LedgerCheck, ...LedgerCheck[]];
    return check;
  }

  async close(): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.close()));
  }
}

/** The benchmark has one connection to each member, and one is taken off later as everywhere. */
function sumOf(readings: readonly MysqlReading[]): MysqlReading {
  const total = (pick: (reading: MysqlReading) => number | null) =>
    readings.reduce<number | null>((sum, reading) => {
      const value = pick(reading);
      return sum === null || value === null ? null : sum + value;
    }, 0);
  const connections = total(({ connectionsMax }) => connectionsMax);
  return {
    statements: total(({ statements }) => statements) ?? 0,
    commits: total(({ commits }) => commits) ?? 0,
    cpuMs: total(({ cpuMs }) => cpuMs),
    connectionsMax: connections === null ? null : connections - (readings.length - 1),
  };
}
