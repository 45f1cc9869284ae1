/** What would break if this happened before that? Commands with wrong command lines and broken files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Shop } from '../../support/shop.js';

jest.setTimeout(120_000);

const HEADER = 'id,name,locationId,quantity,lowStockThreshold';
/** No server listens there: a command that is executed fails. */
const NOWHERE = 'mysql://stockade@127.0.0.1:1/shop';

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
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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

function run(args: readonly string[], mysqlUrl = NOWHERE) {
  return start(args, mysqlUrl).ended;
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
