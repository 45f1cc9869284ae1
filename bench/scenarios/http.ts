/**
 * Requests through the real server as it is started in production, beside servers that answer the same operation from
 * memory; and through several servers in turn. Each server and the load generator have a process of their own.
 */
import type { Form } from '../contenders/contender.js';
import { ConsoleVisitor } from '../http/console-visitor.js';
import { HttpServer, SERVERS, keepsOf } from '../http/server-process.js';
import { toRow, type Row } from '../report/row.js';
import { PRODUCTS_MAX, UNLIMITED_UNITS, type TestBed } from '../test-bed.js';
import type { Demand } from '../workers/job.js';
import { Workers, verified, warmUpMsOf, type Scenario, type Trial } from './scenario.js';

const CALLERS = 200;
const WARM_UP_MS = 500;
/**
 * Each server compiles its own code: with less than some ten thousand requests to each, the rate is still rising, and
 * three servers that share two cores look slower than one, for being colder.
 */
const WARM_UP_PER_SERVER_MS = 3_000;
const COUNTS = [1, 2, 3, 4];
/** The counts that the floors compare. */
const RIVALS_COUNTS = [1, 3];
/** Relative to the other scenarios' time: turns of several servers take longer. */
const SERVERS_SECONDS_FACTOR = 4 / 3;

const ONE_PRODUCT: Demand = { products: 1, seed: 1 };
const MANY_PRODUCTS: Demand = { products: PRODUCTS_MAX, seed: 1 };
const MANY = PRODUCTS_MAX.toLocaleString('en');

export const httpHot = overHttp({
  name: 'http-hot',
  what: `${CALLERS} connections, 1 product, over HTTP`,
  contenders: ['lanes', 'http-ceiling', 'apollo-standalone', 'mercurius', 'restate'],
  demand: ONE_PRODUCT,
});

export const httpSpread = overHttp({
  name: 'http-spread',
  what: `${CALLERS} connections, ${MANY} products, over HTTP`,
  contenders: ['lanes', 'apollo-standalone', 'restate'],
  demand: MANY_PRODUCTS,
});

export const serversHot = overServers({
  name: 'servers-hot',
  what: `${CALLERS} callers, 1 product, over HTTP to ${COUNTS.join(', ')} servers in turn`,
  demand: ONE_PRODUCT,
});

export const serversSpread = overServers({
  name: 'servers-spread',
  what: `${CALLERS} callers, ${MANY} products, over HTTP to ${COUNTS.join(', ')} servers in turn`,
  demand: MANY_PRODUCTS,
});

/** The points of `http-console`. */
export const ALONE = 'alone';
export const WATCHED = 'console open';
const PAIRS = 4;

/** The load of one count of servers. */
export function serversPoint(count: number): string {
  return count === 1 ? '1 server' : `${count} servers`;
}

interface Settings {
  readonly name: string;
  readonly what: string;
  readonly demand: Demand;
}

interface Load {
  readonly name: string;
  readonly point: string;
  readonly demand: Demand;
  readonly count: number;
}

/** What the console costs: the load of `http-hot` on one server, alone and with the console open beside it in turn. */
export const httpConsole: Scenario = {
  name: 'http-console',
  what: `http-hot with the console's first page open, and without it, in turn on one server`,
  merit: 'opsPerSecond',
  contenders: ['lanes'],
  known: ['lanes'],
  formsOf,
  run: (trial, bed) =>
    measureOnServers(trial, bed, { demand: ONE_PRODUCT, count: 1 }, async (workers, servers) => {
      const visitor = await ConsoleVisitor.admit(bed, servers[0]?.url ?? '');
      const rows: Row[] = [];
      for (let pair = 0; pair < PAIRS; pair += 1) {
        // Each pair is a repeat of its own, and begins with the other one, so that a drift favours neither.
        const repeat = (trial.repeat - 1) * PAIRS + pair + 1;
        for (const point of pair % 2 === 0 ? [ALONE, WATCHED] : [WATCHED, ALONE]) {
          const measure = () => workers.measureFor(CALLERS, trial.seconds, servers);
          const measured = await (point === WATCHED ? visitor.whileOpen(measure) : measure());
          const title = { scenario: 'http-console', ...trial, repeat, point, callers: CALLERS };
          rows.push(toRow(title, measured, null));
        }
      }
      return rows;
    }),
};

/** A server has one form: the product's default pool, or what it does in the place of MySQL. */
function formsOf(contender: string): readonly Form[] {
  return [{ label: keepsOf(contender), poolMax: 10 }];
}

function overHttp({
  name,
  what,
  demand,
  contenders,
}: Settings & { readonly contenders: readonly string[] }): Scenario {
  return {
    name,
    what,
    merit: 'opsPerSecond',
    contenders,
    known: SERVERS,
    once: ['http-ceiling', 'restate'],
    repeatsMax: 2,
    formsOf,
    run: async (trial, bed) => [
      await measureServers(trial, bed, { name, point: '', demand, count: 1 }),
    ],
  };
}

function overServers({ name, what, demand }: Settings): Scenario {
  return {
    name,
    what,
    merit: 'opsPerSecond',
    contenders: ['lanes', 'for-update'],
    known: SERVERS,
    once: ['for-update'],
    formsOf,
    run: async (trial, bed) => {
      const rows = [];
      const longer = { ...trial, seconds: trial.seconds * SERVERS_SECONDS_FACTOR };
      for (const count of trial.contender === 'lanes' ? COUNTS : RIVALS_COUNTS) {
        const point = serversPoint(count);
        rows.push(await measureServers(longer, bed, { name, point, demand, count }));
      }
      return rows;
    },
  };
}

async function measureServers(trial: Trial, bed: TestBed, load: Load): Promise<Row> {
  const [row] = await measureOnServers(trial, bed, load, async (workers, servers) => {
    const measured = await workers.measureFor(CALLERS, trial.seconds, servers);
    const title = { scenario: load.name, ...trial, point: load.point, callers: CALLERS };
    return [toRow(title, measured, null)];
  });
  if (!row) throw new Error('It was to be measured.');
  return row;
}

/** Starts the servers, warms them up, measures them, and has their ledger verified. */
async function measureOnServers(
  trial: Trial,
  bed: TestBed,
  { demand, count }: Pick<Load, 'demand' | 'count'>,
  measure: (workers: Workers, servers: readonly HttpServer[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  await bed.prepare({ products: demand.products, units: UNLIMITED_UNITS });
  const warmUpMs = warmUpMsOf(trial, WARM_UP_MS + count * WARM_UP_PER_SERVER_MS);
  const servers: HttpServer[] = [];
  try {
    while (servers.length < count) servers.push(await HttpServer.start(trial.contender, bed));
    const [{ authorization, deducts, isPerProduct }] = servers as [HttpServer, ...HttpServer[]];
    const urls = servers.map(({ url }) => url);
    const { value: rows, answers } = await Workers.use(
      bed,
      [{ kind: 'http', urls, authorization, isPerProduct, demand }],
      async (workers) => {
        await workers.warmUp(CALLERS, warmUpMs);
        return measure(workers, servers);
      },
    );
    await Promise.all(servers.map((server) => server.stop()));
    const mute = rows.find(({ taken, refused }) => taken + refused === 0);
    if (mute) throw new Error(`It answered nothing: ${mute.failures[0]}`);
    return deducts ? await verified(bed, rows, answers) : rows;
  } finally {
    for (const server of servers) server.kill();
  }
}
