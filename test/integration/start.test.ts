/**
 * `npm start` and `npm run migrate` as an operator meets them: everything that is wrong is said at once and in
 * sentences, several processes migrate as one, and a stop loses no answer.
 */
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { QueryTypes } from 'sequelize';
import { freePort } from '../../services/private-server.js';
import { closeClient, dataOf, post, send } from '../support/graphql-client.js';
import { createFreshDatabase, givenUrl, type FreshDatabase } from '../support/fresh-database.js';
import { holdRow, untilRowsAreWaitedFor } from '../support/innodb.js';
import { until } from '../support/until.js';
import { startServer, type ServerProcess } from '../support/server-process.js';
import { startProgram, type StartedProgram } from '../support/started-program.js';
import { CreateProductDocument, DeductStockDocument } from '../generated/operations.js';

const { SELECT } = QueryTypes;
const REDIS_URL = givenUrl('REDIS_URL');

let database: FreshDatabase;
let occupant: Server | undefined;
const programs: StartedProgram[] = [];
const servers: ServerProcess[] = [];

beforeEach(async () => {
  database = await createFreshDatabase();
});

afterEach(async () => {
  for (const program of programs.splice(0)) program.discard();
  await Promise.all(servers.splice(0).map((server) => server.kill('SIGKILL')));
  if (occupant) await new Promise((resolve) => occupant?.close(resolve));
  occupant = undefined;
  await database.drop();
});

afterAll(closeClient);

function run(command: 'start' | 'migrate', env: NodeJS.ProcessEnv): StartedProgram {
  const program = startProgram(['dist/src/cli/stockade.js', command], { AUTH: 'keys', ...env });
  programs.push(program);
  return program;
}

async function serve(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServer({ MYSQL_URL: database.url, REDIS_URL, ...env });
  servers.push(server);
  return server;
}

async function get(server: ServerProcess, path: string): Promise<{ status: number; body: object }> {
  const response = await fetch(`${server.origin}${path}`);
  return { status: response.status, body: (await response.json()) as object };
}

async function emptyTheDatabase(): Promise<void> {
  const { sequelize } = database;
  const tables = await sequelize.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
    { type: SELECT },
  );
  await sequelize.transaction(async (transaction) => {
    await sequelize.query('SET FOREIGN_KEY_CHECKS = 0', { transaction });
    for (const { name } of tables) await sequelize.query(`DROP TABLE ${name}`, { transaction });
    await sequelize.query('SET FOREIGN_KEY_CHECKS = 1', { transaction });
  });
}

describe('a start that cannot succeed', () => {
  test('names every bad and every missing variable at once', async () => {
    const server = run('start', { PORT: 'http', STOCK_LOCK: 'etcd', LOCK_TTL_MS: '5s', AUTH: '' });
    expect(await server.exited).toBe(1);
    expect(server.stderr().split('\n')).toEqual([
      'The configuration is not usable:',
      '  MYSQL_URL must be set',
      '  PORT must be a whole number from 0 to 65535; got "http"',
      '  STOCK_LOCK must be redis, redlock, database or none; got "etcd"',
      '  LOCK_TTL_MS must be auto, or a whole number from 500 to 86400000; got "5s"',
      '  AUTH must be keys, jwt or keys,jwt in production',
      '',
    ]);
    expect(server.stdout()).toBe('');
  });

  test('says in one sentence that the port is taken', async () => {
    occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as { port: number };
    const server = run('start', { PORT: String(port), MYSQL_URL: database.url, REDIS_URL });
    expect(await server.exited).toBe(1);
    expect(server.stderr()).toBe('The port is taken by another program. Set PORT to a free one.\n');
  });

  test.each(['start', 'migrate'] as const)(
    'says in one sentence, without the password, that MySQL cannot be reached (%s)',
    async (command) => {
      const MYSQL_URL = `mysql://shop:s3cret@127.0.0.1:${await freePort()}/stockade`;
      const program = run(command, { PORT: '0', MYSQL_URL, REDIS_URL });
      expect(await program.exited).toBe(1);
      expect(program.stderr()).toBe(
        'MySQL cannot be reached at MYSQL_URL: the connection was refused.\n',
      );
    },
  );

  test('says in one sentence that MySQL does not let us in, or has no such database', async () => {
    const stranger = new URL(database.url);
    stranger.username = 'nobody-knows';
    stranger.password = 's3cret';
    const refused = run('start', { PORT: '0', MYSQL_URL: stranger.href, REDIS_URL });
    expect(await refused.exited).toBe(1);
    expect(refused.stderr()).toBe('MySQL refuses the user or the password in MYSQL_URL.\n');

    const missing = `${database.url}_of_another`;
    const lost = run('start', { PORT: '0', MYSQL_URL: missing, REDIS_URL });
    expect(await lost.exited).toBe(1);
    expect(lost.stderr()).toBe('The database named in MYSQL_URL does not exist.\n');
  });
});

describe('migrations', () => {
  test('are asked for where they are not applied at the start, and then applied once', async () => {
    await emptyTheDatabase();
    const env = { PORT: '0', MYSQL_URL: database.url, REDIS_URL, MIGRATE_ON_START: 'false' };
    const early = run('start', env);
    expect(await early.exited).toBe(1);
    expect(early.stderr()).toMatch(
      /^The database lacks \d+ migration\(s\): .+ "npm run migrate"\.\n$/,
    );

    const first = run('migrate', { MYSQL_URL: database.url });
    expect(await first.exited).toBe(0);
    expect(first.stdout()).toMatch(/^Applied: .+stock/);
    const second = run('migrate', { MYSQL_URL: database.url });
    expect(await second.exited).toBe(0);
    expect(second.stdout()).toBe('Nothing to apply.\n');

    const server = await serve({ MIGRATE_ON_START: 'false' });
    expect((await get(server, '/ready')).status).toBe(200);
  });

  test('are applied by one of several processes that start at once', async () => {
    await emptyTheDatabase();
    const migrating = [1, 2, 3].map(() => run('migrate', { MYSQL_URL: database.url }));
    const serving = await Promise.all([serve(), serve()]);
    expect(await Promise.all(migrating.map((program) => program.exited))).toEqual([0, 0, 0]);
    expect(migrating.map((program) => program.stderr()).join('')).toBe('');
    for (const server of serving) expect((await get(server, '/ready')).status).toBe(200);
    const applied = await database.sequelize.query<{ name: string }>(
      'SELECT name FROM schema_migrations',
      { type: SELECT },
    );
    expect(applied.map(({ name }) => name)).toEqual([...new Set(applied.map(({ name }) => name))]);
  });

  test('are left to another user, where the server may only read and write rows', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const user = `rows_${name}`.slice(0, 32);
    const { sequelize } = database;
    await sequelize.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'rows'`);
    try {
      await sequelize.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO '${user}'@'%'`);
      const MYSQL_URL = database.url.replace('//root', `//${user}:rows`);
      const server = await serve({ MYSQL_URL, MIGRATE_ON_START: 'false' });
      await addProduct(server, 1);
      expect(await deduct(server, 1)).toMatchObject({ results: [{ remaining: 0 }] });
    } finally {
      await sequelize.query(`DROP USER '${user}'@'%'`);
    }
  });

  test('find a database whose name is as long as names may be', async () => {
    const name = `test_${'x'.repeat(59)}`;
    await database.sequelize.query(`CREATE DATABASE ${name}`);
    try {
      const url = new URL(database.url);
      url.pathname = `/${name}`;
      const program = run('migrate', { MYSQL_URL: url.href });
      expect(await program.exited).toBe(0);
    } finally {
      await database.sequelize.query(`DROP DATABASE ${name}`);
    }
  });

  test('that a crash has cut in half are finished by the next start', async () => {
    await database.sequelize.query('DELETE FROM schema_migrations');
    await database.sequelize.query('DROP TABLE stock_operations');
    const again = run('migrate', { MYSQL_URL: database.url });
    expect(await again.exited).toBe(0);
    expect(again.stdout()).toMatch(/^Applied: /);
    const server = await serve();
    await addProduct(server, 1);
    expect(await deduct(server, 1)).toMatchObject({ results: [{ remaining: 0 }] });
  });
});

async function addProduct(server: ServerProcess, quantity: number): Promise<void> {
  const input = { id: 'last-seat', name: 'Last Seat', quantity };
  const { createProduct } = dataOf(await send(server.graphqlUrl, CreateProductDocument, { input }));
  expect(createProduct.__typename).toBe('Product');
}

async function deduct(server: ServerProcess, quantity: number) {
  const input = { items: [{ productId: 'last-seat', quantity }], idempotencyKey: 'order-1' };
  return dataOf(await send(server.graphqlUrl, DeductStockDocument, { input })).deductStock;
}

describe('the health endpoints', () => {
  test('tell that it lives and what works', async () => {
    const server = await serve();
    expect(await get(server, '/live')).toEqual({ status: 200, body: { live: true } });
    expect(await get(server, '/ready')).toMatchObject({
      status: 200,
      body: {
        ready: true,
        draining: false,
        writes: 'available',
        mysql: expect.any(String) as string,
        stockLock: 'redis',
        redis: [expect.stringMatching(/:\d+$/)],
        lock: 'available',
      },
    });
  });

  test('are well without Redis, as deductions then run under the database alone', async () => {
    const away = `redis://127.0.0.1:${await freePort()}`;
    const server = await serve({ REDIS_URL: away });
    expect(await get(server, '/live')).toEqual({ status: 200, body: { live: true } });
    expect(await get(server, '/ready')).toMatchObject({
      status: 200,
      body: { ready: true, lock: 'away', deductionsRunUnder: 'database' },
    });
    await addProduct(server, 3);
    expect(await deduct(server, 1)).toMatchObject({ results: [{ remaining: 2 }] });
  });

  test('ask for no requests where Redis is away and nothing may stand in for it', async () => {
    const away = `redis://127.0.0.1:${await freePort()}`;
    const server = await serve({ REDIS_URL: away, LOCK_FALLBACK: 'fail' });
    expect((await get(server, '/live')).status).toBe(200);
    expect(await get(server, '/ready')).toMatchObject({
      status: 503,
      body: { ready: false, lock: 'away', deductionsRunUnder: 'nothing' },
    });
  });
});

describe('a stop', () => {
  /** On a connection of its own, as a load balancer asks. */
  const statusOf = async (server: ServerProcess, path: string) =>
    (await fetch(`${server.origin}${path}`, { headers: { connection: 'close' } })).status;

  /** Until new connections are refused. */
  async function untilItStops(server: ServerProcess): Promise<void> {
    await until('a refusal of new connections', () =>
      fetch(`${server.origin}/live`).then(
        () => false,
        () => true,
      ),
    );
  }

  /** A deduction that waits for the row of its product; what it is answered, or that its connection was cut. */
  async function deductUnderWay(server: ServerProcess) {
    await addProduct(server, 3);
    const level = await holdRow(database.url, 'last-seat');
    const answer = deduct(server, 1).catch(() => 'cut');
    await untilRowsAreWaitedFor(database.sequelize);
    return { level, answer };
  }

  test('lets what is under way finish, takes nothing new, and exits with 0', async () => {
    const server = await serve();
    const { level, answer } = await deductUnderWay(server);

    const exited = server.kill('SIGTERM');
    await untilItStops(server);
    await level.release();
    expect(await answer).toMatchObject({ results: [{ __typename: 'DeductedItem', remaining: 2 }] });
    expect(await exited).toBe(0);
    expect(await database.verifyLedger()).toMatchObject({ movements: 2, problems: [] });
  });

  test('is not held up by a client that keeps its connection open', async () => {
    const server = await serve({ SHUTDOWN_GRACE_MS: '60000' });
    // The client's agent keeps the connection.
    await post(server.graphqlUrl, JSON.stringify({ query: '{ __typename }' }));
    expect(await server.kill('SIGTERM')).toBe(0);
  });

  test('is told by /ready first, for SHUTDOWN_DELAY_MS, and everything is still served', async () => {
    const server = await serve({ SHUTDOWN_DELAY_MS: '10000' });
    await addProduct(server, 3);
    const beganMs = performance.now();
    const exited = server.kill('SIGTERM');
    await until('/ready says 503', async () => (await statusOf(server, '/ready')) === 503);
    expect(await statusOf(server, '/live')).toBe(200);
    expect(await deduct(server, 1)).toMatchObject({ results: [{ remaining: 2 }] });
    // So that a client's next request does not meet a connection that is just being closed.
    expect((await fetch(`${server.origin}/live`)).headers.get('connection')).toBe('close');
    expect(performance.now() - beganMs).toBeLessThan(10_000);
    expect(await exited).toBe(0);
    expect(performance.now() - beganMs).toBeGreaterThan(9_900);
  });

  test('is bounded by the grace period', async () => {
    const server = await serve({ SHUTDOWN_GRACE_MS: '200', REQUEST_TIMEOUT_MS: '60000' });
    const { level, answer } = await deductUnderWay(server);
    expect(await server.kill('SIGTERM')).toBe(0);
    await level.release();
    expect(await answer).toBe('cut');
    expect(await database.verifyLedger()).toMatchObject({ movements: 1, problems: [] });
  });

  test('is one stop where a wrapper passes the signal on once more', async () => {
    const server = await serve();
    const { level, answer } = await deductUnderWay(server);
    // Each of these is delivered once, however busy the machine is.
    const exited = server.kill('SIGTERM');
    server.signal('SIGINT');
    await untilItStops(server);
    await level.release();
    expect(await answer).toMatchObject({ results: [{ __typename: 'DeductedItem', remaining: 2 }] });
    expect(await exited).toBe(0);
  });

  test('is immediate at a later signal', async () => {
    const server = await serve({ SHUTDOWN_GRACE_MS: '60000' });
    const { level, answer } = await deductUnderWay(server);
    let hasExited = false;
    const exited = server.kill('SIGTERM').finally(() => (hasExited = true));
    await untilItStops(server);
    await until('the end at a later signal', () => {
      server.signal('SIGTERM');
      return hasExited;
    });
    expect(await exited).toBe(1);
    expect(await answer).toBe('cut');
    await level.release();
    expect(await database.verifyLedger()).toMatchObject({ movements: 1, problems: [] });
  });
});
