/**
 * What would break if this happened before that? Product files that arrive in unlucky pieces, end anywhere, fail
 * midway, or are read and written by a side that stalls.
 */
import fc from 'fast-check';
import { PassThrough } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import { csvRecords } from '../../../src/product-files/csv-records.js';
import { readProducts } from '../../../src/product-files/read-products.js';
import { writeProducts } from '../../../src/product-files/write-products.js';
import type { TextEncoding } from '../../../src/product-files/text-encoding.js';
import { within } from '../../support/until.js';

const HEADER = 'id,name,locationId,quantity,lowStockThreshold';

// eslint-disable-next-line @typescript-eslint/require-await
async function* inPieces(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}

/** The records, and the failure that ends them. */
async function readOf(pieces: readonly Buffer[], encoding: TextEncoding = 'utf-8') {
  const read: unknown[] = [];
  try {
    for await (const record of csvRecords(inPieces(pieces), encoding)) read.push(record);
  } catch (error) {
    const { line, message } = error as { readonly line: number; readonly message: string };
    read.push({ line, message: message.replace(/ behind ".*?" is/, ' is') });
  }
  return read;
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts].sort((a, b) => a - b).map((cut) => Math.min(cut, bytes.length));
  const starts = [0, ...ends];
  return starts.map((start, i) => bytes.subarray(start, ends[i] ?? bytes.length));
}

const TRICKY =
  '\uFEFFsep=;\r\nid;"na""me"\r\n\r\r\n"a\r\nb"";\r";\u00e9\u8336\u{1F375}\n;;\r"x"\r\n""""\ny"z;"1\n2"\nlast';

test.each<[TextEncoding, Buffer]>([
  ['utf-8', Buffer.from(TRICKY)],
  ['utf-16le', Buffer.from(TRICKY, 'utf16le')],
  ['utf-16be', Buffer.from(TRICKY, 'utf16le').swap16()],
])('wherever %s is cut, the records are the same', async (encoding, bytes) => {
  const whole = await readOf([bytes], encoding);
  expect(whole).toHaveLength(6);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect({ cut, read: await readOf(cutAt(bytes, [cut]), encoding) }).toEqual({
      cut,
      read: whole,
    });
  }
  const single = Array.from(bytes, (byte) => Buffer.of(byte));
  expect(await readOf(single, encoding)).toEqual(whole);
  expect(
    await readOf(
      single.flatMap((each) => [Buffer.alloc(0), each]),
      encoding,
    ),
  ).toEqual(whole);
});

test('any bytes in any pieces give the records of the whole, and never another failure', async () => {
  const parts = [
    'a',
    ',',
    ';',
    '"',
    '""',
    '\r',
    '\n',
    '\r\n',
    '\t',
    'sep=',
    ' ',
    '\u00e9',
    '\u{1F375}',
    '\uFEFF',
  ];
  const piece = fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...parts).map((part) => Buffer.from(part)) },
    { weight: 1, arbitrary: fc.constantFrom(Buffer.of(0), Buffer.of(0xe9), Buffer.of(0xff)) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 40 }),
      fc.array(fc.nat(60)),
      async (all, cuts) => {
        const bytes = Buffer.concat(all);
        expect(await readOf(cutAt(bytes, cuts))).toEqual(await readOf([bytes]));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('what is written comes back with the lines that an editor shows, whatever the cells', async () => {
  const character = fc.constantFrom('a', ',', '"', '\r', '\n', ';', ' ', '\u8336', '\uFEFF');
  const cell = fc.string({ unit: character, maxLength: 8 });
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), {
    minLength: 1,
    maxLength: 8,
  });
  const record_delimiter = fc.constantFrom('\n', '\r\n', '\r');
  await fc.assert(
    fc.asyncProperty(rows, record_delimiter, async (cells, delimiter) => {
      const all = [['first', 'second'], ...cells];
      const texts = all.map((row) =>
        stringify([row], { record_delimiter: delimiter, quoted: true, quoted_empty: true }),
      );
      const lines = texts.map(
        (_, i) =>
          texts
            .slice(0, i)
            .join('')
            .split(/\r\n|\r|\n/).length,
      );
      const expected = all
        .map((row, i) => ({ line: lines[i], cells: row }))
        .filter((record) => record.cells.some((each) => each.trim() !== ''));
      expect(await readOf([Buffer.from(texts.join(''))])).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('a file that ends anywhere gives its whole records, and the last one as far as it goes', async () => {
  const bytes = Buffer.from(TRICKY);
  const whole = await readOf([bytes]);
  for (let end = 0; end < bytes.length; end += 1) {
    const read = await readOf([bytes.subarray(0, end)]);
    const before = read.slice(0, -1);
    expect({ end, before }).toEqual({ end, before: whole.slice(0, before.length) });
  }
});

/** A source that tells how far it was read, and whether it was closed. */
function observed(pieces: readonly string[], failure?: Error) {
  const seen = { pieces: 0, closed: false };
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      for (const piece of pieces) {
        seen.pieces += 1;
        yield Buffer.from(piece);
      }
      if (failure) throw failure;
    } finally {
      seen.closed = true;
    }
  }
  return { seen, chunks: chunks() };
}

test('a database that is slower than the file stops the reading, and one that fails closes it', async () => {
  const rows = Array.from({ length: 100 }, (_, i) => `p${i},P,,,\n`);
  const { seen, chunks } = observed([`${HEADER}\n`, ...rows]);
  const products = readProducts(chunks);
  for (let taken = 1; taken <= 10; taken += 1) {
    expect((await products.next()).value).toMatchObject({ id: `p${taken - 1}` });
    expect(seen.pieces).toBe(taken + 1);
  }
  await products.return(undefined);
  expect(seen).toEqual({ pieces: 11, closed: true });
});

test('a source that fails within a record gives the whole records before it, and its own failure', async () => {
  const failure = new Error('The disk is gone.');
  for (const part of ['b,B', '"b', '"b"', 'b,B,,,']) {
    const { chunks } = observed([`${HEADER}\na,A,,,\n`, part], failure);
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const row of readProducts(chunks)) read.push(row.line);
    })();
    await expect(reading).rejects.toBe(failure);
    expect(read).toEqual([2]);
  }
});

test('after a quote that ends the reading the source is closed, and its failure is not waited for', async () => {
  const { seen, chunks } = observed(
    [`${HEADER}\n"a"b,`, 'never', 'never'],
    new Error('Not reached.'),
  );
  const read: unknown[] = [];
  for await (const row of readProducts(chunks)) read.push(row);
  expect(read).toHaveLength(1);
  expect(seen).toEqual({ pieces: 2 - 1, closed: true });
});

describe('an output that takes nothing', () => {
  function endlessRows() {
    const seen = { rows: 0, closed: false };
    // eslint-disable-next-line @typescript-eslint/require-await
    async function* rows() {
      try {
        for (;;) {
          seen.rows += 1;
          yield {
            id: `p${seen.rows}`,
            name: 'P',
            lowStockThreshold: null,
            locationId: null,
            quantity: null,
          };
        }
      } finally {
        seen.closed = true;
      }
    }
    return { seen, rows: rows() };
  }

  test('stops the reading of rows, and a signal ends the writing', async () => {
    const { seen, rows } = endlessRows();
    const stop = new AbortController();
    const writing = writeProducts(rows, new PassThrough(), stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { rows: taken } = seen;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(seen.rows).toBe(taken);
    const reason = new Error('Stopped.');
    stop.abort(reason);
    await expect(within(5_000, 'the end', writing)).rejects.toBe(reason);
    expect(seen.closed).toBe(true);
  });

  test('and then fails closes the rows', async () => {
    const { seen, rows } = endlessRows();
    const output = new PassThrough();
    const writing = writeProducts(rows, output, new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const failure = new Error('The disk is full.');
    output.destroy(failure);
    await expect(within(5_000, 'the end', writing)).rejects.toBe(failure);
    expect(seen.closed).toBe(true);
  });
});
