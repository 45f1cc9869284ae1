/**
 * What would break if this happened before that? Commands with wrong command lines, broken files, signals at bad
 * moments, readers that close the pipe, and two runs at once.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueryTypes, Sequelize } from 'sequelize';
import { NAMED_LOCK } from '../../../src/database/named-locks.js';
import { whileRowsAreHeld } from '../../support/held-rows.js';
import { untilRowsAreWaitedFor } from '../../support/innodb.js';
import { Shop } from '../../support/shop.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { until, within } from '../../support/until.js';

const HEADER = 'id,name,locationId,quantity,lowStockThreshold';
/** No server listens there: a command that is executed fails. */
const NOWHERE = 'mysql://stockade@127.0.0.1:1/shop';

/** Makes an export longer than what the pipes between two processes take. */
const LONG_NAME = 'n'.repeat(250);

let shop: Shop;
let folder: string;

beforeAll(async () => {
  shop = await Shop.open();
  folder = mkdtempSync(join(tmpdir(), 'stockade-cli-'));
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await shop.close();
});

function start(args: readonly string[], mysqlUrl: string) {
  const child = spawn(process.execPath, ['dist/src/cli/stockade.js', ...args], {
    env: { PATH: process.env.PATH, MYSQL_URL: mysqlUrl },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // The command may end before it has read its input.
  child.stdin.on('error', () => undefined);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  }
  const ended = once(child, 'close').then(([status]) => ({
    status: status as number | null,
    printed,
  }));
  return { child, ended };
}

/** Reads no more of its output, once there is some. */
async function stall({ stdout }: ReturnType<typeof start>['child']): Promise<void> {
  await once(stdout, 'data');
  stdout.pause();
}

function run(args: readonly string[], mysqlUrl = NOWHERE) {
  const { child, ended } = start(args, mysqlUrl);
  child.stdin.end();
  return ended;
}

function rows(count: number, prefix: string, quantity = 5, name = 'Name'): string {
  return Array.from(
    { length: count },
    (_, i) => `${prefix}${i},${name},default,${quantity},\n`,
  ).join('');
}

async function columnsOf(sequelize: Sequelize): Promise<unknown> {
  return sequelize.query(
    `SELECT table_name, column_name, column_type, is_nullable, column_default, column_key
     FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 2`,
    { type: QueryTypes.SELECT },
  );
}

function csvFile(content: string | Buffer): string {
  const file = join(folder, 'products.csv');
  writeFileSync(file, content);
  return file;
}

test('--help beside a command, its arguments or a wrong flag never executes the command', async () => {
  const executed = await run(['migrate']);
  expect(executed).toMatchObject({ status: 1, printed: expect.stringMatching(/MySQL/) as string });
  for (const args of [
    ['migrate', '--help'],
    ['--help', 'migrate'],
    ['import', csvFile(`${HEADER}\n`), '--help'],
    ['keys', 'create', 'a', '--help'],
  ]) {
    const { status, printed } = await run(args);
    expect({ args, status, printed }).toMatchObject({
      status: 0,
      printed: expect.stringContaining('Usage: stockade') as string,
    });
  }
});

test('a flag, a command or an argument that does not exist is refused before anything is done', async () => {
  for (const args of [
    ['migrate', '--now'],
    ['migrate', 'now'],
    ['imprt'],
    ['export', '--out=x'],
    [],
  ]) {
    const { status, printed } = await run(args);
    expect({ args, status, printed }).toMatchObject({
      status: 2,
      printed: expect.stringMatching(/^error: .*\n[^]*--help/) as string,
    });
  }
});

test('a folder, a file that is missing and one of the wrong content are named, and nothing is written', async () => {
  const url = shop.database.url;
  const huge = Buffer.concat([Buffer.from(`${HEADER}\nhuge,`), Buffer.alloc(20_000_000, 'x')]);
  const nul = `${HEADER}\nnu\0l,a,default,1,\n`;
  const lines: [string, RegExp][] = [
    [folder, /is a folder/],
    [join(folder, 'a', 'b.csv'), /does not exist/],
  ];
  for (const [file, sentence] of lines) {
    const { status, printed } = await run(['import', file], url);
    expect({ status, printed }).toMatchObject({ status: 1 });
    expect(printed).toMatch(sentence);
  }
  for (const content of [huge, nul]) {
    const { status, printed } = await run(['import', csvFile(content)], url);
    expect({ status, printed: printed.slice(0, 500) }).toMatchObject({
      status: 1,
      printed: expect.stringMatching(/^line 2/) as string,
    });
    expect(printed.length).toBeLessThan(1_000);
  }
  expect(await shop.levels()).toEqual(new Map());
});

describe.each(['SIGINT', 'SIGTERM'] as const)('%s during an import', (signal) => {
  test('ends it after the batch under way, and a second run completes it', async () => {
    const own = await Shop.open();
    const product = await own.newProduct(1);
    const file = csvFile(
      `${HEADER}\n${rows(999, 'row')}${product},${product},default,7,\n${rows(2_000, 'more')}`,
    );
    const args = ['import', file, '--set-quantities'];
    await whileRowsAreHeld(own.database.url, product, async (release) => {
      const { child, ended } = start(args, own.database.url);
      await untilRowsAreWaitedFor(own.database.sequelize);
      child.kill(signal);
      child.stdout.destroy();
      await release();
      const { status, printed } = await within(30_000, 'the end of the import', ended);
      expect({ status, printed: printed.replace(/^.* a second\n/gm, '') }).toEqual({
        status: 130,
        printed:
          `Stopped by ${signal}.\n` +
          'Lines up to 1001 are in: 1,000 rows: 999 products created, 0 updated; 999 places stocked, ' +
          '1 quantities corrected; 0 bad lines.\nRun the import again to complete it.\n',
      });
    });
    expect((await own.levels()).size).toBe(1_000);
    expect(await own.onHand(product)).toBe(7);
    expect(await run(args, own.database.url)).toMatchObject({ status: 0 });
    expect((await own.levels()).size).toBe(3_000);
    expect(await own.problems()).toEqual([]);
    await own.close();
  });

  test('ends it while it waits for its database, or for an input that brings nothing', async () => {
    const proxy = await startTcpProxy(shop.database.url);
    const before = await shop.levels();
    proxy.pause('toClient');
    const early = start(['import', '-'], proxy.via(shop.database.url));
    await until('a connection of the import', () => proxy.connections().length > 0);
    early.child.kill(signal);
    // The signal is handled before the answer of the database.
    await new Promise((resolve) => setTimeout(resolve, 200));
    proxy.resume();
    const silent = await within(30_000, 'the end of the import', early.ended);
    await proxy.stop();
    expect(silent).toEqual({
      status: 130,
      printed: `Stopped by ${signal}.\nNothing was written. Run the import again to complete it.\n`,
    });
    expect(await shop.levels()).toEqual(before);

    const { child, ended } = start(['import', '-'], shop.database.url);
    // The last record is not whole, and its quote not closed.
    child.stdin.write(`${HEADER}\n${rows(700, signal.toLowerCase())}half,"Na`);
    const imported = async () => (await shop.levels()).size - before.size;
    await until('the first batch', async () => (await imported()) === 500);
    child.kill(signal);
    const stopped = await within(30_000, 'the end of the import', ended);
    expect({ ...stopped, printed: stopped.printed.replace(/^.* a second\n/gm, '') }).toEqual({
      status: 130,
      printed: expect.stringMatching(
        new RegExp(`^Stopped by ${signal}\\.\nLines up to 501 are in: .*\nRun the import again`),
      ) as string,
    });
    expect(await imported()).toBe(500);
  });
});

test('an import that fails ends although its standard input stays open', async () => {
  for (const [text, url, sentence] of [
    [`id,name\n${rows(700, 'unread')}`, shop.database.url, /^line 1: The header lacks/],
    [`${HEADER}\n`, NOWHERE, /^MySQL cannot be reached/],
  ] as const) {
    const { child, ended } = start(['import', '-'], url);
    child.stdin.write(text);
    const { status, printed } = await within(30_000, 'the end of the import', ended).finally(() =>
      child.kill('SIGKILL'),
    );
    expect({ status, printed }).toEqual({
      status: 1,
      printed: expect.stringMatching(sentence) as string,
    });
    expect(printed).not.toContain('    at ');
  }
});

test('a reader that closes the output gets no stack, and does not stop an import', async () => {
  const file = csvFile(`${HEADER}\n${rows(20_000, 'piped')}`);
  const importing = start(['import', file], shop.database.url);
  importing.child.stdout.destroy();
  const imported = await importing.ended;
  expect(imported.printed.replace(/^.* a second\n/gm, '')).toBe('');
  expect(imported.status).toBe(0);
  const exporting = start(['export'], shop.database.url);
  exporting.child.stdout.once('data', () => exporting.child.stdout.destroy());
  const { status, printed } = await exporting.ended;
  expect(status).toBe(1);
  expect(printed).toMatch(/The reader of the output has closed it\.\nThe output is not complete: /);
  expect(printed).not.toContain('    at ');
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends an export whose output nothing reads',
  async (signal) => {
    const file = csvFile(`${HEADER}\n${rows(20_000, 'stalled', 5, LONG_NAME)}`);
    expect(await run(['import', file], shop.database.url)).toMatchObject({ status: 0 });
    const { child, ended } = start(['export'], shop.database.url);
    await stall(child);
    // The pipe is full, and the export waits for it.
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill(signal);
    const [status] = (await within(10_000, 'the end of the export', once(child, 'exit'))) as [
      number | null,
    ];
    child.stdout.resume();
    expect(status).toBe(130);
    expect((await ended).printed).toMatch(
      new RegExp(
        `Stopped by ${signal}\\.\nThe output is not complete: [0-9,]+ rows were read\\.\n`,
      ),
    );
  },
);

test('an export whose database goes away while its output stalls says so without a stack', async () => {
  const file = csvFile(`${HEADER}\n${rows(20_000, 'cut', 5, LONG_NAME)}`);
  expect(await run(['import', file], shop.database.url)).toMatchObject({ status: 0 });
  const proxy = await startTcpProxy(shop.database.url);
  const { child, ended } = start(['export'], proxy.via(shop.database.url));
  await stall(child);
  await new Promise((resolve) => setTimeout(resolve, 500));
  proxy.refuse(true);
  proxy.cut();
  child.stdout.resume();
  const { status, printed } = await within(30_000, 'the end of the export', ended).finally(() =>
    child.kill('SIGKILL'),
  );
  await proxy.stop();
  expect(status).toBe(1);
  const told = printed.slice(printed.lastIndexOf('default,5'));
  expect(told).toMatch(/The output is not complete: [0-9,]+ rows were read\.\n$/);
  expect(told).not.toContain('    at ');
});

test('two migrations of a fresh database at once both succeed, and one of them applies everything', async () => {
  const { sequelize } = shop.database;
  const name = `test_${Date.now().toString(36)}_migrated`;
  const url = new URL(shop.database.url);
  url.pathname = `/${name}`;
  await sequelize.query(`CREATE DATABASE ${name}`);
  const fresh = new Sequelize(url.href, { dialect: 'mysql', logging: false, pool: { max: 1 } });
  // The lock is held until both wait for it.
  const lock = { replacements: ['stockade.migrations.'], type: QueryTypes.SELECT as const };
  await fresh.query(`SELECT GET_LOCK(${NAMED_LOCK}, 0)`, lock);
  const both = [run(['migrate'], url.href), run(['migrate'], url.href)];
  await until('two waiting migrations', async () => {
    const waiting = await fresh.query(
      `SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User lock'`,
      { type: QueryTypes.SELECT },
    );
    return waiting.length === 2;
  });
  await fresh.query(`SELECT RELEASE_LOCK(${NAMED_LOCK})`, lock);
  const ended = await Promise.all(both);
  expect(ended.map(({ status }) => status)).toEqual([0, 0]);
  expect(ended.map(({ printed }) => printed).sort()).toEqual([
    expect.stringMatching(/^Applied: (\S+, )+\S+\n$/),
    'Nothing to apply.\n',
  ]);
  expect(await columnsOf(fresh)).toEqual(await columnsOf(sequelize));
  await fresh.close();
  await sequelize.query(`DROP DATABASE ${name}`);
});
