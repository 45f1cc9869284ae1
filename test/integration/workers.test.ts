/** `WORKERS=n`: several server processes behind one port, as an operator meets them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createFreshDatabase, givenUrl, type FreshDatabase } from '../support/fresh-database.js';
import { closeClient, post } from '../support/graphql-client.js';
import { startServer, type ServerProcess } from '../support/server-process.js';

import { holdRow, untilRowsAreWaitedFor } from '../support/innodb.js';
import { pass, until } from '../support/until.js';

const PATIENCE_MS = 30_000;

let fresh: FreshDatabase;
let server: ServerProcess | undefined;

beforeAll(async () => {
  fresh = await createFreshDatabase();
});

afterEach(async () => {
  await server?.kill('SIGKILL');
  server = undefined;
});

afterAll(async () => {
  closeClient();
  await fresh.drop();
});

function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  return startServer({
    MYSQL_URL: fresh.url,
    REDIS_URL: givenUrl('REDIS_URL'),
    NODE_ENV: 'test',
    WORKERS: '3',
    LOG_LEVEL: 'info',
    ...env,
  });
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

/** One connection to a server, which one of its workers has. */
class WorkerConnection {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private localPort = 0;

  constructor(private readonly origin: string) {}

  send(path: string, body?: string, timeoutMs = PATIENCE_MS): Promise<string> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.origin}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        agent: this.agent,
        headers: { 'content-type': 'application/json' },
        signal: AbortSignal.timeout(timeoutMs),
      });
      outgoing.on('response', (incoming) => {
        this.localPort = incoming.socket.localPort ?? 0;
        let text = '';
        incoming.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
        incoming.on('end', () => {
          if (incoming.statusCode === 200) resolve(text);
          else reject(new Error(`Status ${String(incoming.statusCode)}: ${text}`));
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  async deduct(times: number): Promise<void> {
    const query = `mutation {
      deductStock(input: { items: [{ productId: "m", quantity: 1 }] }) { failedItems { index } }
    }`;
    for (let i = 0; i < times; i += 1) {
      const answer = await this.send('/graphql', JSON.stringify({ query }));
      expect(JSON.parse(answer)).toEqual({ data: { deductStock: { failedItems: [] } } });
    }
  }

  /** A worker refuses a scrape where the primary does not answer it in two seconds; then it is asked again. */
  async metric(series: string, timeoutMs = PATIENCE_MS): Promise<number> {
    let page = '';
    await until(
      'a scrape that is answered',
      async () => {
        page = await this.send('/metrics', undefined, timeoutMs).catch((error: unknown) => {
          if ((error as Error).message.startsWith('Status 5')) return '';
          throw error;
        });
        return page !== '';
      },
      timeoutMs,
    );
    const lines = page.split('\n');
    const line = lines.find((each) => each.startsWith(`${series} `));
    if (line === undefined) throw new Error(`No ${series} in:\n${lines.join('\n')}`);
    return Number(line.split(' ')[1]);
  }

  /** The worker whose process has the other end of the connection. */
  workerAmong(pids: readonly number[]): number {
    // Another process may have the same port in a connection to another server.
    const [here, there] = [Number(new URL(this.origin).port), this.localPort].map(
      (port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`,
    ) as [string, string];
    const fields = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((row) => row.trim().split(/\s+/))
      .find(([, local, remote]) => local?.endsWith(here) && remote?.endsWith(there));
    const socket = `socket:[${fields?.[9] ?? ''}]`;
    const owner = pids.find((pid) =>
      readdirSync(`/proc/${pid}/fd`).some((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`) === socket;
        } catch {
          return false; // Closed meanwhile.
        }
      }),
    );
    if (owner === undefined) throw new Error('No worker has the connection.');
    return owner;
  }

  close(): void {
    this.agent.destroy();
  }
}

/** A connection to each of the workers. */
async function connectToEach(
  origin: string,
  pids: readonly number[],
): Promise<Map<number, WorkerConnection>> {
  const connections = new Map<number, WorkerConnection>();
  for (let tries = 0; connections.size < pids.length; tries += 1) {
    if (tries === 100) throw new Error('A worker gets no connections.');
    const connection = new WorkerConnection(origin);
    await connection.send('/live');
    const pid = connection.workerAmong(pids);
    if (connections.has(pid)) connection.close();
    else connections.set(pid, connection);
  }
  return connections;
}

function mutate(url: string, query: string) {
  return post<Record<string, unknown>>(url, JSON.stringify({ query }));
}

test('serve one stock together, are replaced when they die, and stop in order', async () => {
  server = await start();
  const { graphqlUrl, pid } = server;
  await until(
    'three workers',
    () => server?.output().includes('All workers serve') ?? false,
    PATIENCE_MS,
  );
  const workers = childrenOf(pid);
  expect(workers).toHaveLength(3);

  await mutate(
    graphqlUrl,
    'mutation { createProduct(input: { id: "w", name: "W", quantity: 60 }) { __typename } }',
  );
  const deduct = `mutation {
    deductStock(input: { items: [{ productId: "w", quantity: 1 }] }) { failedItems { index } }
  }`;
  const buy = async () => {
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => mutate(graphqlUrl, deduct)),
    );
    return responses.map((response) => response.data);
  };
  const all = [...(await buy())];
  const [victim = 0] = workers;
  process.kill(victim, 'SIGKILL');
  await until(
    'a new worker',
    () => {
      const now = childrenOf(pid);
      return now.length === 3 && !now.includes(victim);
    },
    PATIENCE_MS,
  );
  all.push(...(await buy()), ...(await buy()));
  expect(all).toEqual(Array.from({ length: 60 }, () => ({ deductStock: { failedItems: [] } })));
  const left = await mutate(graphqlUrl, '{ product(id: "w") { onHand } }');
  expect(left.data).toEqual({ product: { onHand: 0 } });
  expect((await fresh.verifyLedger()).problems).toEqual([]);

  const before = childrenOf(pid);
  await server.stop();
  for (const worker of before) expect(() => process.kill(worker, 0)).toThrow();
});

const PUBLISHED = 'stockade_changes_published_total{outcome="published"}';

test('a scrape of any worker is the sum of all, and never goes back', async () => {
  server = await start({ WORKERS: '2' });
  const { origin, graphqlUrl, pid } = server;
  await until('two workers', () => server?.output().includes('All workers serve') ?? false);
  const pids = childrenOf(pid);
  const connections = await connectToEach(origin, pids);
  const [first, second] = pids.map((each) => connections.get(each)) as [
    WorkerConnection,
    WorkerConnection,
  ];
  // Before the product is made: its own change is published after the answer.
  const before = await first.metric(PUBLISHED);
  await mutate(
    graphqlUrl,
    'mutation { createProduct(input: { id: "m", name: "M", quantity: 60 }) { __typename } }',
  );
  await first.deduct(7);
  await second.deduct(12);
  const scrapes = async () => {
    const taken = [];
    for (const each of [first, second, first, second]) taken.push(await each.metric(PUBLISHED));
    return taken;
  };
  const total = before + 20;
  await until('all published', async () => (await first.metric(PUBLISHED)) === total);
  expect(await scrapes()).toEqual([total, total, total, total]);
  // Each deduction was the only one of its transaction.
  const commits = '{operation="deductStock"}';
  const counted = await first.metric(`stockade_commit_seconds_count${commits}`);
  expect(await second.metric(`stockade_commit_lines_sum${commits}`)).toBe(counted);
  expect(await first.metric(`stockade_turn_wait_seconds_count${commits}`)).toBeGreaterThan(0);
  // One of the workers owns the product, and decides the lines of the other one. Where a machine stands still for
  // longer than an owner may be silent, the worker decides its line itself, and finds it decided already.
  const answered = await first.metric('stockade_delegated_writes_total{outcome="answered"}');
  const unknown = await first.metric('stockade_delegated_writes_total{outcome="unknown"}');
  expect(answered).toBeGreaterThan(0);
  expect(counted - 19).toBeLessThanOrEqual(unknown);
  const foreign = await second.metric('stockade_foreign_writes_total{outcome="answered"}');
  expect(foreign).toBeGreaterThanOrEqual(answered);
  expect(foreign - answered).toBeLessThanOrEqual(unknown);
  const both = await Promise.all([first.metric(PUBLISHED), second.metric(PUBLISHED)]);
  expect(both).toEqual([total, total]);

  // One that is stopped counts with its last numbers, and delays a scrape by a bounded time.
  const [stopped = 0] = pids;
  process.kill(stopped, 'SIGSTOP');
  try {
    const beganMs = performance.now();
    expect(await second.metric(PUBLISHED, 15_000)).toBe(total);
    expect(performance.now() - beganMs).toBeGreaterThan(900);
  } finally {
    process.kill(stopped, 'SIGCONT');
  }
  expect(await first.metric(PUBLISHED)).toBe(total);

  // What one that died has counted stays.
  process.kill(stopped, 'SIGKILL');
  await until('its replacement', () => {
    const now = childrenOf(pid);
    return now.length === 2 && !now.includes(stopped);
  });
  await second.deduct(3);
  await until('all published', async () => (await second.metric(PUBLISHED)) === total + 3);
  for (const each of connections.values()) each.close();
});

test('a SIGTERM to the whole group, as systemd sends it, lets what is under way finish', async () => {
  server = await start();
  const { graphqlUrl, pid } = server;
  await until('three workers', () => childrenOf(pid).length === 3, PATIENCE_MS);
  await mutate(
    graphqlUrl,
    'mutation { createProduct(input: { id: "held", name: "H", quantity: 3 }) { __typename } }',
  );
  const level = await holdRow(fresh.url, 'held');
  const answer = mutate(
    graphqlUrl,
    'mutation { deductStock(input: { items: [{ productId: "held", quantity: 1 }] }) { failedItems { index } } }',
  );
  await untilRowsAreWaitedFor(fresh.sequelize);
  for (const worker of childrenOf(pid)) process.kill(worker, 'SIGTERM');
  const exited = server.kill('SIGTERM');
  await pass(300);
  await level.release();
  expect((await answer).data).toEqual({ deductStock: { failedItems: [] } });
  expect(await exited).toBe(0);
});

/** A worker with one of these numbers ends with 7 before it has begun to listen. */
function dyingAtStart(...numbers: number[]): string {
  const program = `import c from "node:cluster";if([${numbers.join()}].includes(c.worker?.id))process.exit(7)`;
  return `--import=data:text/javascript,${encodeURIComponent(program)}`;
}

test('are replaced when they die at their start, the first time and later', async () => {
  server = await start({ WORKERS: '2', NODE_OPTIONS: dyingAtStart(2, 4, 5) });
  const { pid } = server;
  const output = () => server?.output() ?? '';
  const serving = () => output().includes('All workers serve');
  await until('two workers', serving, PATIENCE_MS);
  const workers = childrenOf(pid);
  expect(workers).toHaveLength(2);
  const [victim = 0] = workers;
  process.kill(victim, 'SIGKILL');
  const deaths = () =>
    [...output().matchAll(/^.*A worker died.*$/gm)].map(
      ([line]) => JSON.parse(line) as { worker: number; code: number | null },
    );
  await until('four deaths', () => deaths().length === 4, PATIENCE_MS);
  // Each line names the worker that it is about.
  const [atStart, killed, ...replacements] = deaths();
  expect(atStart).toMatchObject({ code: 7 });
  expect(killed).toMatchObject({ worker: victim, code: null });
  expect(replacements).toMatchObject([{ code: 7 }, { code: 7 }]);
  expect(new Set(deaths().map(({ worker }) => worker)).size).toBe(4);
  await until('the last of them', () => childrenOf(pid).length === 2, PATIENCE_MS);
  await server.stop();
});

test('say once why they cannot start', async () => {
  const MYSQL_URL = 'mysql://nobody:secret@127.0.0.1:1/shop';
  await expect(start({ MYSQL_URL, MIGRATE_ON_START: 'true' })).rejects.toThrow(
    /MySQL cannot be reached/,
  );
  await expect(start({ REDIS_URL: 'nonsense' })).rejects.toThrow(/REDIS_URL must be/);
});
