/**
 * The scenario `failover`: two servers on a MySQL group and on a Redis with Sentinels, a deduction each 100 ms, and one
 * incident after another. It brings its own servers, because it kills them. After each incident the ledger of every
 * member must explain every unit, and have as many deductions as were acknowledged, and no more than were asked for.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { QueryTypes } from 'sequelize';
import { startMysqlGroup } from '../../services/mysql-group.js';
import { startRedisSentinel } from '../../services/redis-sentinel.js';
import { migrate } from '../../src/database/migrator.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import { openPool } from '../../src/database/pool.js';
import { verifyLedger } from '../../src/database/reading/ledger-verification.js';
import { HttpServer } from '../http/server-process.js';
import type { Options } from '../options.js';
import { align } from '../report/table.js';
import { spreadOf } from '../statistics.js';
import { insertProducts, runOnServer } from '../test-bed.js';
import { Attempts } from './attempts.js';
import { INCIDENTS, type Incident, type Installation } from './incidents.js';
import { plotTimelines } from './timeline-plot.js';
import { timelineOf, type Timeline } from './timeline.js';

const SERVERS = 2;
const DATABASE = 'stockade_bench';
const UNITS = 1_000_000;
const PRODUCT_ID = 'p-00000';
const BEFORE_MS = 4_000;
const AFTER_MS = 20_000;
/** Where no further deductions succeed for so long, the run ends. */
const AWAY_MAX_MS = 90_000;
const BACK_AFTER = 20;

/** @returns whether all floors hold. @throws where a ledger is wrong, or writes do not come back. */
export async function runFailover(options: Options, signal: AbortSignal): Promise<boolean> {
  const group = await startMysqlGroup({ mode: 'single-primary', signal });
  try {
    const sentinel = await startRedisSentinel({ signal });
    try {
      const timelines = await withServers({ group, sentinel }, options.repeats, signal);
      const findings = INCIDENTS.map((incident) => finding(incident, timelines));
      console.log(table(findings));
      await save(options.json, timelines);
      return findings.every(({ holds }) => holds);
    } finally {
      await sentinel.stop();
    }
  } finally {
    await group.stop();
  }
}

async function withServers(
  installation: Installation,
  repeats: number,
  signal: AbortSignal,
): Promise<readonly Timeline[]> {
  const { group, sentinel } = installation;
  const primary = await group.primary();
  await runOnServer(primary.url, `CREATE DATABASE ${DATABASE}`);
  await migrate(withDatabase(primary.url, DATABASE));
  const database = openPool({ url: withDatabase(primary.url, DATABASE) }, 1);
  await insertProducts(database, { products: 1, units: UNITS });
  await database.close();
  await group.caughtUp();
  const hosts = group.members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const services = { mysqlUrl: `mysql://root@${hosts}/${DATABASE}`, redisUrl: sentinel.url };
  const servers: HttpServer[] = [];
  const timelines: Timeline[] = [];
  try {
    while (servers.length < SERVERS)
      servers.push(await HttpServer.start('lanes', { services, signal }));
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      for (const incident of INCIDENTS) {
        signal.throwIfAborted();
        const timeline = await run(incident, repeat, installation, servers);
        timelines.push(timeline);
        console.error(`${incident.name}, repeat ${repeat}: away for ${timeline.outageMs} ms`);
        await verify(installation, timelines);
      }
    }
    return timelines;
  } finally {
    for (const server of servers) server.kill();
  }
}

async function run(
  incident: Incident,
  repeat: number,
  installation: Installation,
  servers: readonly HttpServer[],
): Promise<Timeline> {
  const attempts = new Attempts(servers, PRODUCT_ID);
  await wait(BEFORE_MS);
  const sinceMs = performance.now();
  let putRight: () => Promise<void>;
  try {
    putRight = await incident.happen(installation);
    while (performance.now() < sinceMs + AFTER_MS || attempts.takenSince(sinceMs) < BACK_AFTER) {
      await wait(100);
      if (performance.now() > sinceMs + AWAY_MAX_MS) {
        throw new Error(`${incident.name}: deductions were not back after ${AWAY_MAX_MS} ms.`);
      }
    }
  } finally {
    await attempts.stop();
  }
  await putRight();
  return timelineOf(incident.name, repeat, sinceMs, attempts.ended);
}

/** A deduction whose answer was an error may have been applied. */
async function verify({ group }: Installation, timelines: readonly Timeline[]): Promise<void> {
  await group.caughtUp();
  const taken = timelines.reduce((sum, timeline) => sum + timeline.taken, 0);
  const failed = timelines.flatMap((timeline) => Object.values(timeline.failed));
  const most = failed.reduce((sum, count) => sum + count, taken);
  for (const { url } of group.members) {
    const pool = openPool({ url: withDatabase(url, DATABASE) }, 1);
    try {
      const { problems } = await verifyLedger(pool);
      const [level] = await pool.query<{ sold: number }>(
        'SELECT ? - on_hand AS sold FROM stock_levels WHERE product_id = ?',
        { replacements: [UNITS, PRODUCT_ID], type: QueryTypes.SELECT },
      );
      const sold = Number(level?.sold);
      if (problems.length > 0 || !(sold >= taken && sold <= most)) {
        throw new Error(
          `The ledger of a member is wrong: ${problems.length} problem(s); ${sold} units sold, ${taken} acknowledged.`,
        );
      }
    } finally {
      await pool.close();
    }
  }
}

interface Finding {
  readonly cells: readonly string[];
  readonly holds: boolean;
}

function finding(incident: Incident, timelines: readonly Timeline[]): Finding {
  const own = timelines.filter((timeline) => timeline.incident === incident.name);
  const outage = spreadOf(own.map(({ outageMs }) => outageMs));
  const failed = own.flatMap((timeline) => Object.entries(timeline.failed));
  const { outageMaxMs, mustNotFail } = incident;
  const isShort = outageMaxMs === null || (outage?.max ?? 0) <= outageMaxMs;
  const holds = isShort && !(mustNotFail && failed.length > 0);
  const floors = [
    ...(outageMaxMs === null ? [] : [`at most ${outageMaxMs} ms`]),
    ...(mustNotFail ? ['no error'] : []),
  ];
  const errors = failed.map(([code, count]) => `${code} ${count}`).join(', ');
  return {
    cells: [
      incident.what,
      outage ? `${outage.median} ms (${outage.min}–${outage.max})` : '',
      errors === '' ? 'none' : errors,
      floors.length === 0 ? '' : `${floors.join(', ')}: ${holds ? 'held' : 'missed'}`,
    ],
    holds,
  };
}

function table(findings: readonly Finding[]): string {
  const head = ['incident', 'no deduction for', 'errors', 'floor'];
  return align([head, ...findings.map(({ cells }) => cells)]).join('\n');
}

async function save(file: string, timelines: readonly Timeline[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(timelines)}\n`);
  const plotFile = file.replace(/(\.json)?$/, '.svg');
  await writeFile(plotFile, plotTimelines(INCIDENTS, timelines));
  console.log(`Written: ${file}, ${plotFile}`);
}
