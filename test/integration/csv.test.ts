/** Products in and out as files: what is written comes back as it was, and a bad line harms no other. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Shop } from '../support/shop.js';

const HEADER = 'id,name,locationId,quantity,lowStockThreshold';

let shop: Shop;
let folder: string;

beforeEach(async () => {
  shop = await Shop.open();
  folder = mkdtempSync(join(tmpdir(), 'stockade-csv-'));
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await shop.close();
});

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: 'import' | 'export', args: readonly string[], on = shop): Ran {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/src/cli/stockade.js', program, ...args],
    { env: { PATH: process.env.PATH, MYSQL_URL: on.database.url }, encoding: 'utf8' },
  );
  // A slow machine is told of the progress as well.
  return { status, stdout, stderr: stderr.replace(/^.* a second\n/gm, '') };
}

function importText(text: string | Buffer, args: readonly string[] = [], on = shop): Ran {
  const file = join(folder, 'products.csv');
  writeFileSync(file, text);
  return run('import', [file, ...args], on);
}

function importLines(lines: readonly string[], args: readonly string[] = []): Ran {
  return importText([HEADER, ...lines, ''].join('\n'), args);
}

function exported(on = shop): string {
  const { status, stdout, stderr } = run('export', [], on);
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringMatching(/rows written/) as string,
  });
  return stdout;
}

test('what is exported comes back exactly, whatever stands in the names', async () => {
  await shop.newLocation('north');
  const lines = [
    'a-1,"Tea, ""black""\nand strong",default,7,3',
    'a-1,"Tea, ""black""\nand strong",north,0,3',
    '-b,=SUM(A1),north,1000000000,',
    'c," spaces ",default,1,2147483647',
    'd,Ünïcödé 茶 🍵,,,0',
    'e,"a\r\nb",default,2,',
  ];
  expect(importLines(lines)).toMatchObject({ status: 0, stderr: '' });
  const first = exported();

  const other = await Shop.open();
  await other.newLocation('north');
  expect(importText(first, [], other)).toMatchObject({ status: 0, stderr: '' });
  expect(exported(other)).toBe(first);
  expect(await other.levels()).toEqual(await shop.levels());
  expect(await other.problems()).toEqual([]);
  await other.close();

  expect(first.split('\n').filter((line) => line.startsWith('-b'))).toEqual([
    '-b,=SUM(A1),north,1000000000,',
  ]);
  expect(await shop.problems()).toEqual([]);
  expect(
    (await shop.ledger()).map(({ productId, kind, delta }) => [productId, kind, delta]),
  ).toEqual([
    ['-b', 'INITIAL', 1_000_000_000],
    ['a-1', 'INITIAL', 7],
    ['c', 'INITIAL', 1],
    ['e', 'INITIAL', 2],
  ]);
});

test('archived products are left out, and told of, unless they are asked for', async () => {
  expect(importLines(['a,A,default,1,', 'b,B,default,2,'])).toMatchObject({ status: 0 });
  await shop.database.sequelize.query("UPDATE products SET archived_at = NOW(6) WHERE id = 'a'");
  expect(run('export', [])).toEqual({
    status: 0,
    stdout: `${HEADER}\nb,B,default,2,\n`,
    stderr: '1 rows written.\nArchived products left out: 1. --archived writes them, too.\n',
  });
  expect(run('export', ['--archived'])).toEqual({
    status: 0,
    stdout: `${HEADER}\na,A,default,1,\nb,B,default,2,\n`,
    stderr: '2 rows written.\n',
  });
});

test('the sample file is good, and an export goes to a file', async () => {
  const sample = 'services/sample-products.csv';
  expect(run('import', [sample])).toMatchObject({ status: 0, stderr: '' });
  const file = join(folder, 'out.csv');
  expect(run('export', ['-o', file])).toMatchObject({ status: 0, stdout: '' });
  const sorted = (path: string) => readFileSync(path, 'utf8').trim().split('\n').sort();
  expect(sorted(file)).toEqual(sorted(sample));
  expect(await shop.problems()).toEqual([]);
});

test('a byte order mark, CRLF, other orders of columns and empty lines are read', () => {
  const text = [
    '\uFEFFquantity,lowStockThreshold,name,id,locationId',
    '4,,"two\r\nlines",a,',
    '',
    ',5,B,b,default',
    '',
  ].join('\r\n');
  expect(importText(text)).toMatchObject({ status: 0, stderr: '' });
  expect(exported()).toBe(`${HEADER}\na,"two\r\nlines",default,4,\nb,B,default,0,5\n`);
});

test('what a spreadsheet writes is read: padding, semicolons, the line sep=, another encoding', () => {
  const text = [
    'sep=;',
    'id;name;locationId;quantity;lowStockThreshold;;',
    'p1;"24"" x 36"" poster";default;1;;;',
    ';;;;;;',
    'p2;Caf\u00e9, small;default;2',
    'p3;24" x 36" poster;default;1;;;',
    'p2;Caf\u00e9, small;default;2;;;',
    'p4;D;default;4;;;each',
    '',
  ].join('\r\n');
  const bytes = Buffer.from(text, 'latin1');
  expect(importText(bytes)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^line 5: .* --encoding windows-1252\.\n/) as string,
  });
  const { status, stderr } = importText(bytes, ['--encoding', 'latin1']);
  expect({ status, told: stderr.trim().split('\n') }).toEqual({
    status: 1,
    told: [
      'line 5: The line must have 5 values, one for each column; got 4.',
      'line 6: A quote is inside an unquoted value. Quote the whole value and double its quotes.',
      expect.stringMatching(/^line 8: Value 7 of the line, "each", is in a column/) as string,
    ],
  });
  expect(exported()).toBe(
    `${HEADER}\np1,"24"" x 36"" poster",default,1,\np2,"Caf\u00e9, small",default,2,\n`,
  );
});

test('an unknown encoding is answered by the nearest, and help names all', () => {
  const { status, stderr } = importText('', ['--encoding', 'utf16le']);
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /'utf16le' is invalid\. Did you mean utf-16le\? Accepted are utf-8, utf-16le/,
  );
  expect(run('import', ['--help']).stdout.replace(/\s+/g, ' ')).toMatch(
    /--encoding <name> .* utf-16le, utf-16be, windows-1250, .* windows-1252, .*euc-kr/,
  );
});

test('bad lines are told by number, column and reason, and leave no trace; the others are in', async () => {
  const lines = [
    'good-1,Good,default,5,',
    'minus,Name,default,-1,',
    'half,Name,default,1.5,',
    'no id,Name,default,1,',
    'nameless," ",default,1,',
    'nowhere,Name,atlantis,1,',
    'two-lines,"a',
    'b",default,1,-2',
    'good-1,Other,default,5,',
    'good-1,Good,default,6,',
    'short,Name',
    'quote,a"b,default,1,',
    'much,Name,default,1000000001,',
    'good-2,Good,default,6,1',
  ];
  const dry = importLines(lines, ['--dry-run']);
  expect(await shop.levels()).toEqual(new Map());
  const { status, stdout, stderr } = importLines(lines);
  expect(status).toBe(1);
  expect(stdout).toBe(
    '13 rows: 2 products created, 0 updated; 2 places stocked, 0 quantities corrected; 11 bad lines.\n',
  );
  expect(dry).toEqual({ status, stderr, stdout: `Nothing was written. ${stdout}` });
  expect(stderr.trim().split('\n')).toEqual([
    'line 3, quantity: Quantity must be between 0 and 1,000,000,000; got -1.',
    'line 4, quantity: The value must be a whole number of at most 15 digits; got "1.5".',
    expect.stringMatching(
      /^line 5, id: An id must have 1 to 64 characters .*; got "no id"/,
    ) as string,
    expect.stringMatching(
      /^line 6, name: A name must have 1 to 255 characters, not only spaces/,
    ) as string,
    'line 7, locationId: There is no location atlantis. Create it first.',
    'line 8, lowStockThreshold: The threshold must be between 0 and 2,147,483,647; got -2.',
    'line 10: Product good-1 has another name or lowStockThreshold in line 2.',
    'line 11: Line 2 has the same product and location.',
    'line 12: The line must have 5 values, one for each column; got 2.',
    'line 13: A quote is inside an unquoted value. Quote the whole value and double its quotes.',
    expect.stringMatching(
      /^line 14, quantity: Quantity must be between 0 and 1,000,000,000; got 1000000001/,
    ) as string,
  ]);
  expect(exported()).toBe(`${HEADER}\ngood-1,Good,default,5,\ngood-2,Good,default,6,1\n`);
});

test('a contradiction is found however many batches lie between', async () => {
  const lines = Array.from({ length: 5_000 }, (_, i) => `p${i},Name ${i},default,1,`);
  const { status, stderr } = importLines([
    ...lines,
    'p17,Other,default,1,',
    'p18,Name 18,default,2,',
  ]);
  expect(status).toBe(1);
  expect(stderr.trim().split('\n')).toEqual([
    'line 5002: Product p17 has another name or lowStockThreshold in line 19.',
    'line 5003: Line 20 has the same product and location.',
  ]);
  expect((await shop.levels()).size).toBe(5_000);
  expect(await shop.problems()).toEqual([]);
});

test.each([
  ['is not UTF-8', Buffer.from(`${HEADER}\na,A,,,\nb,caf\xe9,,,\n`, 'latin1'), /line 3: .*UTF-8/],
  ['is empty', '', /line 1: The file has no header/],
  ['has an unknown column', `${HEADER},price\n`, /Unknown column "price"/],
  ['lacks a column', 'id,name,locationId,quantity\n', /lacks lowStockThreshold/],
  ['has a column twice', `${HEADER},id\n`, /Column id is in the header twice/],
])('a file that %s is refused', async (_, text, sentence) => {
  const { status, stderr } = importText(text);
  expect(status).toBe(1);
  expect(stderr).toMatch(sentence);
  expect(await shop.levels()).toEqual(new Map());
});

test.each([
  ['is not closed', 'b,"B,default,1,'],
  ['is closed too early', 'b,"B"B,default,1,'],
])('where a quote %s the reading ends, and says so', async (_, line) => {
  const { status, stderr } = importLines(['a,A,default,1,', line, 'c,C,default,1,', 'd,"D",,,']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^line 3: .* the file was not read from here on\.\n$/);
  expect([...(await shop.levels()).keys()]).toEqual(['a/default']);
});

test('run again, names and thresholds are updated, quantities only where it is asked for', async () => {
  await shop.newLocation('north');
  importLines(['a,A,default,5,1', 'b,B,default,5,1', 'c,C,default,5,1']);
  const changed = ['a,A2,default,9,', 'b,B,default,3,2', 'c,C,default,,1', 'c,C,north,4,1'];

  expect(importLines(changed)).toMatchObject({
    status: 0,
    stdout:
      '4 rows: 0 products created, 2 updated; 1 places stocked, 0 quantities corrected; 0 bad lines.\n',
  });
  expect(exported()).toBe(
    `${HEADER}\na,A2,default,5,\nb,B,default,5,2\nc,C,default,5,1\nc,C,north,4,1\n`,
  );

  const setting = importLines(changed, ['--set-quantities']);
  expect(setting).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/2 quantities corrected/) as string,
  });
  expect(importLines(changed, ['--set-quantities']).stdout).toMatch(/ 0 quantities corrected/);
  expect(exported()).toBe(
    `${HEADER}\na,A2,default,9,\nb,B,default,3,2\nc,C,default,5,1\nc,C,north,4,1\n`,
  );
  const corrections = (await shop.ledger()).filter(({ kind }) => kind === 'CORRECTION');
  expect(corrections).toMatchObject([
    { productId: 'a', sequence: 2, delta: 4 },
    { productId: 'b', sequence: 2, delta: -2 },
  ]);
  expect(await shop.problems()).toEqual([]);
});

test('called wrongly it exits with 2 and says how; a missing file is named', () => {
  expect(run('import', [])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/stockade import/) as string,
  });
  expect(run('import', ['--set-quantity', 'x'])).toMatchObject({ status: 2 });
  expect(run('export', ['x'])).toMatchObject({ status: 2 });
  expect(run('import', ['--help'])).toMatchObject({ status: 0, stderr: '' });
  expect(run('export', ['--help'])).toMatchObject({ status: 0, stderr: '' });
  const file = join(folder, 'missing.csv');
  expect(run('import', [file])).toMatchObject({ status: 1, stderr: `${file} does not exist.\n` });
});
