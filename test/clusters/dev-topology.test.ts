/**
 * `stockade dev --topology` as a reader tries it: everything comes up, each printed command kills what it names, the
 * rest goes on, and Ctrl-C leaves nothing behind.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { startProgram, type StartedProgram } from '../support/started-program.js';
import { until } from '../support/until.js';

const DEDUCT = `mutation {
  deductStock(input: { items: [{ productId: "pen-set", quantity: 1 }] }) {
    results { __typename }
  }
}`;

const SERVERS = 2;

let program: StartedProgram | undefined;

afterEach(() => {
  program?.discard();
  program = undefined;
});

/** The first of so many in a row. Below those that the system gives to the databases that start meanwhile. */
async function freePortsInARow(count: number): Promise<number> {
  for (;;) {
    const first = randomInt(15_000, 30_000);
    const ports = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

async function startTopology(...options: string[]): Promise<StartedProgram & { port: number }> {
  const port = await freePortsInARow(SERVERS);
  const dev = startProgram(['dist/src/cli/stockade.js', 'dev', ...options], {
    PORT: String(port),
  });
  program = dev;
  return { ...dev, port };
}

async function deducts(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: DEDUCT }),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => null);
  return (await response?.text().catch(() => ''))?.includes('DeductedItem') ?? false;
}

/** The process that the printed command kills, by the name above it. */
function pidOf(dev: StartedProgram, name: RegExp): number {
  const [, pid] =
    new RegExp(`${name.source}, port \\d+\\n +kill -9 (\\d+)\\n`).exec(dev.stdout()) ?? [];
  if (pid === undefined) throw new Error(`${name.source} is not named in:\n${dev.stdout()}`);
  return Number(pid);
}

test.each([
  ['group', /MySQL \d, the primary now/],
  ['galera', /MariaDB 1/],
  ['sentinel', /Redis \d, the primary now/],
  ['cluster', /Redis \d, a master now/],
])('the topology %s survives the loss of a server and of a part', async (name, part) => {
  const dev = await startTopology('--topology', name, '--servers', String(SERVERS));
  await until(
    'the parts',
    () => dev.stdout().includes('Ctrl-C stops everything') || !dev.running(),
    110_000,
  );
  expect(dev.stderr()).toBe('');
  const ports = [dev.port, dev.port + 1];
  for (const port of ports) {
    expect(dev.stdout()).toContain(`http://localhost:${port}/graphql`);
    expect(await deducts(port)).toBe(true);
  }

  process.kill(pidOf(dev, part), 'SIGKILL');
  for (const port of ports) await until(`a deduction at ${port}`, () => deducts(port), 90_000);
  // Other programs reach a host that is left.
  const [, MYSQL_URL] = /^ {2}export MYSQL_URL=(\S+) /m.exec(dev.stdout()) ?? [];
  const verifying = startProgram(['dist/src/cli/stockade.js', 'verify-ledger'], { MYSQL_URL });
  const code = await verifying.exited;
  const said = { code, stdout: verifying.stdout(), stderr: verifying.stderr() };
  verifying.discard();
  expect(said).toMatchObject({ code: 0, stdout: expect.stringMatching(/^OK: /) as string });
  process.kill(pidOf(dev, /Stockade 1/), 'SIGKILL');
  await until('the news of it', () => dev.stdout().includes('[server 1] ended'));
  await until('a deduction at the other server', () => deducts(dev.port + 1), 30_000);

  dev.signal('SIGINT');
  expect(await dev.exited).toBe(0);
  expect(dev.descendants()).toEqual([]);
  expect(dev.files()).toEqual([]);
});

test('says in one sentence what is wrong, before it starts anything', async () => {
  const wrong = await startTopology('--topology', 'triangle');
  expect(await wrong.exited).toBe(2);
  expect(wrong.stderr()).toContain('Allowed choices are group, galera, sentinel, cluster');
  const dev = startProgram(['dist/src/cli/stockade.js', 'dev', '--topology', 'group'], {
    MYSQL_URL: 'mysql://root@127.0.0.1:1/stockade',
  });
  program = dev;
  expect(await dev.exited).toBe(1);
  expect(dev.stderr()).toBe(
    '--topology brings its own MySQL and Redis, but MYSQL_URL is set; unset it.\n',
  );
  expect(dev.files()).toEqual([]);
});
