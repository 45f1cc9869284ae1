/**
 * `npm run dev` as a newcomer meets it: one command, a server that answers, and nothing left behind at Ctrl-C. Exit
 * codes: 0 for an orderly stop by a signal, also in the middle of starting; 1, with one sentence, for a failed start.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../services/private-server.js';
import { ownCheckout } from '../support/own-checkout.js';
import { startProgram, type StartedProgram } from '../support/started-program.js';

const checkout = ownCheckout();
let program: StartedProgram | undefined;
let occupant: Server | undefined;

afterEach(async () => {
  program?.discard();
  program = undefined;
  if (occupant) await new Promise((resolve) => occupant?.close(resolve));
  occupant = undefined;
});

afterAll(() => {
  checkout.discard();
});

function startDev(env: NodeJS.ProcessEnv, ...args: string[]): StartedProgram {
  program = startProgram([...checkout.stockade, 'dev', ...args], {
    STOCKADE_SERVICES_SKIP: 'docker',
    ...env,
  });
  return program;
}

/** Runs another command, which is told of no database. */
async function command(...args: string[]) {
  const run = startProgram([...checkout.stockade, ...args], {});
  try {
    const code = await run.exited;
    return { code, stdout: run.stdout(), stderr: run.stderr() };
  } finally {
    run.discard();
  }
}

async function expectNothingLeft(dev: StartedProgram): Promise<void> {
  expect(await dev.exited).toBe(0);
  expect(dev.descendants()).toEqual([]);
  expect(dev.files()).toEqual([]);
}

test('serves a sample catalogue and stops everything at Ctrl-C', async () => {
  const port = await freePort();
  const dev = startDev({ PORT: String(port) });
  await dev.until('the address', () => dev.stdout().includes('Ctrl-C stops everything'));
  const url = `http://localhost:${port}/graphql`;
  expect(dev.stdout()).toContain(url);
  expect(dev.stdout()).toMatch(/^MySQL: .+, because .+\.$/m);
  expect(dev.stdout()).toMatch(/^Redis: .+, because .+\.$/m);

  // Each page that is named is there.
  const named = [...dev.stdout().matchAll(/^ {2}([A-Z][\w ]+): (http:\S+)$/gm)];
  const names = named.map(([, name]) => name);
  expect(names).toEqual(['Console', 'Try a sale', 'Explorer', 'Metrics']);
  for (const [, , page = ''] of named) {
    const { status } = await fetch(page.replace('localhost', '127.0.0.1'));
    expect({ page, status }).toEqual({ page, status: 200 });
  }

  // The mutation is pasted just as it is printed, and is the README's.
  const printed = /^mutation \{\n(?:.*\n)*?\}$/m.exec(dev.stdout())?.[0];
  const readme = readFileSync('README.md', 'utf8');
  const [, shown] = /```graphql\n([^`]*)\n```/.exec(readme) ?? [];
  expect(printed).toBe(shown);
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: printed }),
  });
  const [, answer = ''] = /```json\n([^`]*)```/.exec(readme) ?? [];
  expect(await response.json()).toEqual(JSON.parse(answer));

  // The other commands find its database by themselves.
  const [exported] = /^ {2}export MYSQL_URL=\S+ REDIS_URL=\S+$/m.exec(dev.stdout()) ?? [];
  expect(exported).toMatch(/MYSQL_URL=mysql:\/\/\S+ REDIS_URL=redis:\/\//);
  const verified = await command('verify-ledger');
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^OK: /) as string });
  expect(verified.stderr).toMatch(
    /^MYSQL_URL is not set: using \S+:\d+\/stockade of "stockade dev" \(process \d+\)\.$/m,
  );

  const migrated = await command('migrate');
  expect(migrated).toMatchObject({ code: 0, stdout: 'Nothing to apply.\n' });
  expect(migrated.stderr).toContain('of "stockade dev"');

  dev.signal('SIGINT');
  // A wrapper may pass the same key press on once more.
  dev.signal('SIGINT');
  await expectNothingLeft(dev);
  expect(dev.stderr()).toBe('');
  const alone = await command('verify-ledger');
  expect(alone.code).toBe(1);
  expect(alone.stderr).toContain('MYSQL_URL must be set');
});

test('asks for keys where AUTH says so, and lets pages of this machine call it', async () => {
  const port = await freePort();
  const dev = startDev({ PORT: String(port), AUTH: 'keys', WORKERS: '2' });
  await dev.until('the address', () => dev.stdout().includes('Ctrl-C stops everything'));
  expect(dev.stdout()).toContain('Authentication is on (AUTH=keys)');
  expect(dev.stdout()).toContain('WORKERS=2 is for "stockade start": one process serves here.');
  const ask = (headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: '{ product(id: "flash-sale") { name } }' }),
    });
  const origin = 'http://localhost:5173';
  const refused = await ask({ origin });
  expect(refused.status).toBe(401);
  const { stdout: key } = await command('keys', 'create', '--name', 'me', '--scopes', 'read');
  const served = await ask({ origin, authorization: `Bearer ${key.trim()}` });
  expect(served.status).toBe(200);
  expect(served.headers.get('access-control-allow-origin')).toBe(origin);
  const foreign = await ask({ origin: 'https://localhost.evil.example' });
  expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  dev.signal('SIGTERM');
  await expectNothingLeft(dev);
});

async function ask<Data>(port: number, query: string, headers = {}): Promise<Data> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  return ((await response.json()) as { readonly data: Data }).data;
}

describe('with --keep', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-kept-'));

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  });

  async function started(port: number): Promise<StartedProgram> {
    const dev = startDev({ PORT: String(port) }, '--keep', folder);
    await dev.until('the address', () => dev.stdout().includes('Ctrl-C stops everything'));
    return dev;
  }

  test('the next start finds the data, and no other server gets at them meanwhile', async () => {
    const port = await freePort();
    const first = await started(port);
    expect(first.stdout()).toMatch(/^Sample catalogue: added, \d+ products\.$/m);
    expect(first.stdout()).toContain(`Its data stay in ${folder}`);
    await ask(
      port,
      'mutation { deductStock(input: { items: [{ productId: "pen-set", quantity: 50 }] }) { replayed } }',
    );
    const second = startProgram([...checkout.stockade, 'dev', '--keep', folder], {
      PORT: String(await freePort()),
      STOCKADE_SERVICES_SKIP: 'docker',
    });
    expect(await second.exited).toBe(1);
    expect(second.stderr()).toMatch(
      /^The data in \S+ are in use by process \d+\. Stop it, or .+\n$/,
    );
    expect(second.stderr()).toContain(`delete ${join(folder, 'used-by-')}`);
    second.discard();
    first.signal('SIGINT');
    await expectNothingLeft(first);

    const again = await started(port);
    expect(again.stdout()).toContain('Sample catalogue: was there already.');
    const { product } = await ask<{ product: object }>(
      port,
      '{ product(id: "pen-set") { available } }',
    );
    expect(product).toEqual({ available: 1_100 });
    again.signal('SIGINT');
    await expectNothingLeft(again);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^(mysql|mariadb)$/)]);
  });
});

test('with --demo products are sold, reserved and delivered again, also where keys are asked for', async () => {
  const port = await freePort();
  const dev = startDev({ PORT: String(port), AUTH: 'keys' }, '--demo');
  await dev.until('the address', () => dev.stdout().includes('Ctrl-C stops everything'));
  const { stdout: key } = await command(
    'keys',
    'create',
    '--name',
    'me',
    '--scopes',
    'read,deduct',
  );
  const headers = { authorization: `Bearer ${key.trim()}` };
  const sellOut = `mutation { deductStock(input: { items: [{ productId: "demo-tickets", quantity: 1 }] }) {
    results { ... on DeductedItem { remaining } } } }`;
  interface Seen {
    readonly stockMovements: { readonly nodes: readonly { readonly kind: string }[] };
  }
  const kinds = new Set<string>();
  for (let left = 1; !kinds.has('RESERVATION_COMMIT') || !kinds.has('INCREASE');) {
    // The demonstration delivers when it finds nothing left; this buyer need not wait for that.
    if (left > 0) {
      const sold = await ask<{ deductStock: { results: readonly { remaining?: number }[] } }>(
        port,
        sellOut,
        headers,
      );
      left = sold.deductStock.results[0]?.remaining ?? 0;
    }
    const { stockMovements } = await ask<Seen>(
      port,
      '{ stockMovements(first: 100) { nodes { kind } } }',
      headers,
    );
    for (const { kind } of stockMovements.nodes) kinds.add(kind);
    expect(dev.running()).toBe(true);
  }
  dev.signal('SIGINT');
  await expectNothingLeft(dev);
  expect(dev.stderr()).toBe('');
});

test('--demo is refused where its operations are not served', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-documents-'));
  const TRUSTED_DOCUMENTS = join(folder, 'documents.json');
  writeFileSync(
    TRUSTED_DOCUMENTS,
    JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: [] }),
  );
  const dev = startDev({ PORT: String(await freePort()), TRUSTED_DOCUMENTS }, '--demo');
  expect(await dev.exited).toBe(1);
  expect(dev.stderr()).toContain('--demo sends operations of its own, which TRUSTED_DOCUMENTS');
  expect(dev.stdout()).toBe('');
  rmSync(folder, { recursive: true });
});

test('a topology takes neither --keep nor --demo', async () => {
  const dev = startDev({ PORT: String(await freePort()) }, '--topology', 'sentinel', '--demo');
  expect(await dev.exited).toBe(2);
  expect(dev.stderr()).toContain('--topology takes neither --keep nor --demo.');
});

test.each([
  [2, ['--servers', '2'], {}, '--servers is for the servers of a --topology.'],
  [
    1,
    ['--topology', 'sentinel'],
    { PORT: '65534' },
    '3 servers need ports up to 65536; PORT is too high.',
  ],
])('exits with %s and a sentence for %j', async (code, args, env, sentence) => {
  const dev = startDev(env, ...args);
  expect(await dev.exited).toBe(code);
  expect(dev.stderr()).toContain(sentence);
  expect(dev.stderr()).not.toMatch(/^ +at /m);
  expect(dev.files()).toEqual([]);
});

test('a stop while the servers of a topology become ready is no failure', async () => {
  const port = await freePort();
  const dev = startDev({ PORT: String(port) }, '--topology', 'sentinel', '--servers', '1');
  const isServer = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('stockade.js\0start');
    } catch {
      return false; // It has ended.
    }
  };
  await dev.until('a server that starts', () => dev.descendants().some(isServer));
  dev.signal('SIGINT');
  await expectNothingLeft(dev);
  expect(dev.stderr()).toBe('');
});

test.each([
  ['before a service is there', (dev: StartedProgram) => dev.stdout().includes('Finding')],
  ['while MySQL starts', (dev: StartedProgram) => dev.files().some((f) => f.includes('mysql-'))],
])('leaves nothing behind when it is stopped %s', async (_when, moment) => {
  const dev = startDev({ PORT: String(await freePort()) });
  await dev.until('the moment', () => moment(dev));
  dev.signal('SIGINT');
  await expectNothingLeft(dev);
  expect(dev.stdout()).not.toContain('Stockade serves');
});

test('says in one sentence that the port is taken, before it starts anything', async () => {
  occupant = createServer();
  const port = await freePort();
  occupant.listen(port, '127.0.0.1');
  await once(occupant, 'listening');
  const dev = startDev({ PORT: String(port) });
  expect(await dev.exited).toBe(1);
  expect(dev.stderr()).toBe(
    `Port ${port} is taken by another program; choose a free one, as in PORT=${port + 1} npm run dev.\n`,
  );
  expect(dev.stdout()).toBe('');
  expect(dev.files()).toEqual([]);
});

test('says in one sentence that a given server cannot be reached, and starts no other', async () => {
  const port = await freePort();
  const MYSQL_URL = `mysql://buyer:s3cret@127.0.0.1:${port}/shop`;
  const dev = startDev({ PORT: String(await freePort()), MYSQL_URL });
  expect(await dev.exited).toBe(1);
  expect(dev.stderr()).toBe(
    `MySQL at 127.0.0.1:${port} (MYSQL_URL) cannot be reached: the connection was refused.\n`,
  );
  expect(dev.descendants()).toEqual([]);
  expect(dev.files()).toEqual([]);
});

test('names every bad variable at once, before it starts anything', async () => {
  const dev = startDev({ PORT: 'http', LOG_LEVEL: 'loud' });
  expect(await dev.exited).toBe(1);
  expect(dev.stderr()).toMatch(/PORT must be/);
  expect(dev.stderr()).toMatch(/LOG_LEVEL must be/);
  expect(dev.stdout()).toBe('');
});
