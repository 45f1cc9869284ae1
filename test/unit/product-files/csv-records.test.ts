/** CSV as spreadsheets write it and people break it: which records are read, and the lines that they have. */
import { CsvFileError } from '../../../src/product-files/csv-file-error.js';
import { csvRecords } from '../../../src/product-files/csv-records.js';
import { readProducts } from '../../../src/product-files/read-products.js';
import {
  nearestTextEncoding,
  textEncodingOf,
  type TextEncoding,
} from '../../../src/product-files/text-encoding.js';

const HEADER = 'id,name,locationId,quantity,lowStockThreshold';

// eslint-disable-next-line @typescript-eslint/require-await
async function* inPieces(...pieces: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

/** Lines with their cells, or with what is wrong. */
async function readOf(content: string | Buffer, encoding: TextEncoding = 'utf-8') {
  const read: [number, unknown][] = [];
  for await (const record of csvRecords(inPieces(content), encoding)) {
    read.push([record.line, 'malformed' in record ? record.malformed : record.cells]);
  }
  return read;
}

/** Lines with their ids, or with what is wrong. */
async function productsOf(content: string | Buffer, encoding?: TextEncoding) {
  const read: [number, unknown][] = [];
  for await (const row of readProducts(inPieces(content), encoding)) {
    read.push([row.line, 'reason' in row ? row.reason : row.id]);
  }
  return read;
}

async function failureOf(content: string | Buffer, encoding?: TextEncoding): Promise<string> {
  try {
    return `read: ${JSON.stringify(await productsOf(content, encoding))}`;
  } catch (error) {
    if (!(error instanceof CsvFileError)) throw error;
    return `line ${error.line}: ${error.message}`;
  }
}

const STRAY = 'A quote is inside an unquoted value. Quote the whole value and double its quotes.';
const EARLY = 'A value goes on after its closing quote; the file was not read from here on.';
const OPEN = 'A quote is not closed; the file was not read from here on.';

test.each<[string, string, [number, unknown][]]>([
  [
    'quotes in an unquoted value make their own line bad, once',
    'a,b\np1,24" x 36" poster\np2,"x"\np3\n',
    [
      [1, ['a', 'b']],
      [2, STRAY],
      [3, ['p2', 'x']],
      [4, ['p3']],
    ],
  ],
  [
    'a quoted value behind such a quote is read as a whole',
    'a,b"c,"d\n,e"\nf\n',
    [
      [1, STRAY],
      [3, ['f']],
    ],
  ],
  [
    'a space before a quote belongs to an unquoted value',
    'a, "b"\nc\n',
    [
      [1, STRAY],
      [2, ['c']],
    ],
  ],
  [
    'text behind a closing quote ends the reading',
    'a\n"b"c\nd\n',
    [
      [1, ['a']],
      [2, EARLY],
    ],
  ],
  [
    'a quote that is not closed ends the reading',
    'a\n"b\n\nd\n',
    [
      [1, ['a']],
      [2, OPEN],
    ],
  ],
  [
    'a last quote may be the end of the file',
    'a\n"b"',
    [
      [1, ['a']],
      [2, ['b']],
    ],
  ],
  [
    'a quote alone is not closed',
    'a\n"',
    [
      [1, ['a']],
      [2, OPEN],
    ],
  ],
  ['three quotes are an opened value with one', '"""', [[1, OPEN]]],
  ['four quotes are one', '"""",""\n', [[1, ['"', '']]]],
  [
    'line ends within quotes count as an editor counts them',
    'a\n"b\nc\r\nd\re"\nf\n',
    [
      [1, ['a']],
      [2, ['b\nc\r\nd\re']],
      [6, ['f']],
    ],
  ],
  [
    'lines end with CRLF, LF and CR in one file',
    'a\r\nb\rc\nd\r',
    [
      [1, ['a']],
      [2, ['b']],
      [3, ['c']],
      [4, ['d']],
    ],
  ],
  [
    'empty lines count',
    '\n\r\n\ra\n\n\r\rb',
    [
      [4, ['a']],
      [8, ['b']],
    ],
  ],
  [
    'records without a value are nothing',
    ',,\na,b\n,,,,\n"", ,\t\n,c\n',
    [
      [2, ['a', 'b']],
      [5, ['', 'c']],
    ],
  ],
  [
    'the last value may be empty',
    'a,\nb,',
    [
      [1, ['a', '']],
      [2, ['b', '']],
    ],
  ],
  ['an empty file has no records', '', []],
  ['a byte order mark is no part of the first value', '\uFEFFa\n', [[1, ['a']]]],
  [
    'only the first character is a byte order mark',
    'a\n\uFEFFb\n',
    [
      [1, ['a']],
      [2, ['\uFEFFb']],
    ],
  ],
  [
    'semicolons separate if the first line has more of them',
    'a;b\n"c;";1,5\n',
    [
      [1, ['a', 'b']],
      [2, ['c;', '1,5']],
    ],
  ],
  ['tabs separate likewise', '\n"a,b,c"\td\te\n', [[2, ['a,b,c', 'd', 'e']]]],
  ['the line sep= is no record, and counts', 'sep=;\r\na,b,c;d\r\n', [[2, ['a,b,c', 'd']]]],
  ['the line sep= may be quoted', '\uFEFF"SEP=,"\n1;2;3,4', [[2, ['1;2;3', '4']]]],
])('%s', async (_, text, expected) => {
  expect(await readOf(text)).toEqual(expected);
});

describe('product files', () => {
  test('columns without a name are padding where all of their values are empty', async () => {
    const text = [
      'id,,name,locationId,quantity,lowStockThreshold,,',
      'a,,A,,,,,',
      'b,,B,,,',
      'c,,C,,,,,,,,',
      ',,,,,,,',
      'd,D,,,,,',
      'e,,E,,,,,note,',
      'f,,F,,',
      'g,,G,,,,,,extra',
    ].join('\n');
    const unnamed = (at: number, cell: string): unknown =>
      expect.stringContaining(
        `Value ${at} of the line, "${cell}", is in a column that has no name`,
      );
    expect(await productsOf(text)).toEqual([
      [2, 'a'],
      [3, 'b'],
      [4, 'c'],
      [6, unnamed(2, 'D')],
      [7, unnamed(8, 'note')],
      [8, 'The line must have 6 values, one for each column; got 5.'],
      [9, unnamed(9, 'extra')],
    ]);
  });

  test('a wrong header is told with what is accepted', async () => {
    const rule =
      'The first line must name the columns id,name,locationId,quantity,lowStockThreshold in this spelling, ' +
      'in any order, separated by commas, semicolons or tabs.';
    for (const [text, problem] of [
      ['', 'The file has no header.'],
      [',,,,\n\n', 'The file has no header.'],
      ['\nId,name\n', 'Unknown column "Id".'],
      ['id,"name "', 'Unknown column "name ".'],
      ['id|name|locationId\n', 'Unknown column "id|name|locationId".'],
      ['__proto__,id', 'Unknown column "__proto__".'],
      [`${HEADER},id,\n`, 'Column id is in the header twice.'],
    ] as const) {
      const line = text.startsWith('\n') ? 2 : 1;
      expect(await failureOf(text)).toBe(`line ${line}: ${problem} ${rule}`);
    }
    expect(await failureOf('sep=|\nid|name\n')).toBe(
      'line 1: The values must be separated by commas, semicolons or tabs; the line names "|".',
    );
    expect(await failureOf(`id,na"me\n${HEADER}\n`)).toBe(`line 1: ${STRAY}`);
    expect(await failureOf(`${'x'.repeat(100_000)},id\n`)).toMatch(/^.{100,500}$/);
  });

  test('a value that is no number is told by its beginning', async () => {
    const [[, reason] = []] = await productsOf(`${HEADER}\na,A,,${'x'.repeat(1_000_000)},\n`);
    expect(reason).toMatch(/^The value must be a whole number .{1,150}$/);
  });
});

describe('encodings', () => {
  const text = `${HEADER}\nb,caf\u00e9 \u20ac 5,,,\n`;
  const utf16le = Buffer.from(text, 'utf16le');
  const utf16be = Buffer.from(utf16le).swap16();
  const windows1252 = Buffer.from(text.replace('\u20ac', '\u0080'), 'latin1');
  const marked = (mark: readonly number[], bytes: Buffer) =>
    Buffer.concat([Buffer.from(mark), bytes]);

  test.each<[TextEncoding, Buffer]>([
    ['utf-8', Buffer.from(text)],
    ['utf-8', Buffer.from(`\uFEFF${text}`)],
    ['utf-16le', utf16le],
    ['utf-16le', marked([0xff, 0xfe], utf16le)],
    ['utf-16be', utf16be],
    ['utf-16be', marked([0xfe, 0xff], utf16be)],
    ['windows-1252', windows1252],
  ])('%s is read where it is asked for', async (encoding, bytes) => {
    expect(await readOf(bytes, encoding)).toEqual([
      [1, HEADER.split(',')],
      [2, ['b', 'caf\u00e9 \u20ac 5', '', '', '']],
    ]);
  });

  test.each<[string, Buffer, TextEncoding, RegExp]>([
    [
      'UTF-16 by its mark',
      marked([0xff, 0xfe], utf16le),
      'utf-8',
      /^line 1: The file is utf-16le .*mark.* UTF-8 \(in Excel: "CSV UTF-8"\), or give --encoding utf-16le\.$/,
    ],
    [
      'UTF-16 of the other order',
      marked([0xfe, 0xff], utf16be),
      'utf-16le',
      /^line 1: The file is utf-16be .* --encoding utf-16be\.$/,
    ],
    ['UTF-16 without a mark', utf16le, 'utf-8', /^line 1: The file is utf-16le .*NUL bytes/],
    ['UTF-16 without a mark', utf16be, 'windows-1252', /^line 1: The file is utf-16be .*NUL bytes/],
    [
      'UTF-8 read as another',
      Buffer.from(`\uFEFF${text}`),
      'windows-1252',
      /Leave --encoding out\.$/,
    ],
    [
      'Windows-1252',
      windows1252,
      'utf-8',
      /^line 2: The file is not UTF-8: a byte behind "b,caf" .* Windows-1252 .* --encoding windows-1252\.$/,
    ],
    [
      'an end within a character',
      Buffer.from(text).subarray(0, text.indexOf('\u00e9') + 1),
      'utf-8',
      /^line 2: The file is not UTF-8/,
    ],
    [
      'half a surrogate pair',
      Buffer.concat([utf16le, Buffer.from('\ud83c,', 'utf16le')]),
      'utf-16le',
      /^line 3: The file is not utf-16le/,
    ],
    [
      'a workbook',
      Buffer.from('PK\u0003\u0004\u0014'),
      'utf-8',
      /^line 1: The file is an Excel workbook/,
    ],
    [
      'gzip',
      Buffer.from([0x1f, 0x8b, 8, 0, 0]),
      'utf-8',
      /^line 1: The file is compressed by gzip/,
    ],
  ])('%s is refused with what it is (%#)', async (_, bytes, encoding, sentence) => {
    expect(await failureOf(bytes, encoding)).toMatch(sentence);
  });

  test('the line of the first bad byte is told, though replacement characters stand before it', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${HEADER}\r\na,"\uFFFD\r\n\r\uFFFD",,,\nb,B,,,\nc,`),
      Buffer.from([0xe9, 0x0a]),
      Buffer.from('d,D,,,\n'),
    ]);
    expect(await failureOf(bytes)).toMatch(/^line 6: .*behind "c,"/);
  });

  test('a name is taken with its aliases, and an unknown one answered by the nearest', () => {
    const names = [
      'UTF-8',
      'utf8',
      'latin1',
      'iso-8859-1',
      'cp1252',
      'utf-16',
      'iso-2022-jp',
      'utf-9',
    ];
    expect(names.map(textEncodingOf)).toEqual([
      'utf-8',
      'utf-8',
      'windows-1252',
      'windows-1252',
      'windows-1252',
      'utf-16le',
      null,
      null,
    ]);
    expect(
      ['utf16le', 'windows1252', 'Win-1252', 'utf_8', 'x'.repeat(1_000_000)].map(
        nearestTextEncoding,
      ),
    ).toEqual(['utf-16le', 'windows-1252', 'windows-1252', 'utf-8', expect.any(String)]);
  });
});

/** Counts the bytes that are taken of an endless text. */
function endless(start: string, repeated: string) {
  const taken = { bytes: 0, closed: false };
  const chunk = Buffer.from(repeated.repeat(Math.ceil(65_536 / repeated.length)));
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      yield Buffer.from(start);
      for (;;) {
        taken.bytes += chunk.length;
        yield chunk;
      }
    } finally {
      taken.closed = true;
    }
  }
  return { taken, chunks: chunks() };
}

const SOON = /longer than 1,048,576 characters;/;
const SOON_QUOTED = /longer than 1,048,576 characters, probably because a quote is not closed;/;

test.each([
  ['one value', '', 'x', SOON],
  ['a quoted value', '"', 'x', SOON_QUOTED],
  ['line ends within quotes', '"', '\n', SOON_QUOTED],
  ['records within quotes', '"', 'b,B,,,\r\n', SOON_QUOTED],
  ['quotes', '', '""', /longer than 1,048,576 characters/],
  ['quotes in an unquoted value', 'x', '"', SOON],
  ['separators', '', ',', /more than 16,384 values;/],
  ['empty quoted values', '', '"",', /more than 16,384 values;/],
])('reading ends soon in a record that is endlessly %s', async (_, start, repeated, sentence) => {
  const { taken, chunks } = endless(`a,b\n${start}`, repeated);
  const read = [];
  for await (const record of csvRecords(chunks, 'utf-8')) read.push(record);
  expect(read).toEqual([
    { line: 1, cells: ['a', 'b'] },
    { line: 2, malformed: expect.stringMatching(sentence) as string },
  ]);
  expect(taken.bytes).toBeLessThan(1_500_000);
  expect(taken.closed).toBe(true);
});

test('a record of exactly the greatest length is read, in pieces as well', async () => {
  const longest = 'x'.repeat(1_048_576);
  expect(await readOf(`a\n${longest}\r\nb`)).toEqual([
    [1, ['a']],
    [2, [longest]],
    [3, ['b']],
  ]);
  const [, refused] = await readOf(`a\n${longest}x\nb`);
  expect(refused?.[1]).toMatch(/^A record is longer/);
  const commas = (count: number) => `a\nx${','.repeat(count)}\nb`;
  expect(await readOf(commas(16_383))).toHaveLength(3);
  expect((await readOf(commas(16_384))).at(-1)?.[1]).toMatch(
    /^A record has more than 16,384 values/,
  );
});

test('empty lines without end keep nothing, at the start of a file as well', async () => {
  const lines = Buffer.from('\r\n'.repeat(100_000));
  const pieces = Array.from({ length: 50 }, () => lines);
  const read = [];
  for await (const record of csvRecords(inPieces(...pieces, 'a\n', ...pieces, 'b'), 'utf-8')) {
    read.push(record);
  }
  expect(read).toEqual([
    { line: 5_000_001, cells: ['a'] },
    { line: 10_000_002, cells: ['b'] },
  ]);
});
