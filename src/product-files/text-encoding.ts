/**
 * Decodes the bytes of a file strictly: a guessed text would be a wrong text. What is not in the expected encoding is
 * refused, with the encoding that it seems to have.
 */

/** Names of the WHATWG's Encoding Standard, for text that spreadsheets and databases write. */
export const TEXT_ENCODINGS = [
  'utf-8',
  'utf-16le',
  'utf-16be',
  'windows-1250',
  'windows-1251',
  'windows-1252',
  'windows-1253',
  'windows-1254',
  'windows-1255',
  'windows-1256',
  'windows-1257',
  'windows-1258',
  'macintosh',
  'shift_jis',
  'gb18030',
  'big5',
  'euc-kr',
] as const;

export type TextEncoding = (typeof TEXT_ENCODINGS)[number];

/** The encoding of this name, or of an alias of it such as latin1. Null if it is not accepted. */
export function textEncodingOf(name: string): TextEncoding | null {
  try {
    const { encoding } = new TextDecoder(name);
    return TEXT_ENCODINGS.find((each) => each === encoding) ?? null;
  } catch {
    return null; // No encoding has the name.
  }
}

/** The accepted name that takes the fewest insertions, deletions and replacements of characters. */
export function nearestTextEncoding(name: string): TextEncoding {
  const wanted = name.toLowerCase().slice(0, 32);
  const ranked = TEXT_ENCODINGS.map((each) => ({ each, far: distance(wanted, each) }));
  return ranked.reduce((best, other) => (other.far < best.far ? other : best)).each;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The bytes are not a text of the encoding. All text before the fault has been passed on. */
export class EncodingError extends Error {
  readonly code = 'ENCODING' as const;
  constructor(message: string) {
    super(message);
    this.name = 'EncodingError';
  }
}

const SAVE_AS_UTF8 = 'Save it as UTF-8 (in Excel: "CSV UTF-8")';

/** Passes the text on without a byte order mark. @throws EncodingError */
export async function* decoded(
  chunks: AsyncIterable<Buffer>,
  encoding: TextEncoding,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  // It stays one chunk behind, and then finds the place of the fault.
  const follower = new TextDecoder(encoding, { fatal: true });
  let previous: Buffer | null = null;
  for await (const chunk of withWholeStart(chunks)) {
    if (previous) follower.decode(previous, { stream: true });
    else requireStartOf(encoding, chunk);
    previous = chunk;
    let text: string;
    try {
      text = decoder.decode(chunk, { stream: true });
    } catch {
      const sound = soundStart(chunk, follower);
      yield sound;
      throw new EncodingError(faultOf(encoding, sound));
    }
    yield text;
  }
  try {
    decoder.decode();
  } catch {
    throw new EncodingError(faultOf(encoding, ''));
  }
}

/** Joins the first chunks until they have the bytes that tell one kind of file from another. */
async function* withWholeStart(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | null = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (!start) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < START_BYTES) continue;
    yield start;
    start = null;
  }
  if (start) yield start;
}

/** The text before the first fault of the chunk. */
function soundStart(chunk: Buffer, decoder: InstanceType<typeof TextDecoder>): string {
  let text = '';
  try {
    for (const byte of chunk) text += decoder.decode(Uint8Array.of(byte), { stream: true });
  } catch {
    // The fault.
  }
  return text;
}

function faultOf(encoding: TextEncoding, sound: string): string {
  const last =
    sound
      .slice(-20)
      .split(/[\r\n]/)
      .at(-1) ?? '';
  const place = last === '' ? '' : ` behind ${JSON.stringify(last)}`;
  return encoding === 'utf-8'
    ? `The file is not UTF-8: a byte${place} is not part of such a text. It is probably Windows-1252 (Latin-1). ` +
        `${SAVE_AS_UTF8}, or give its encoding, as in --encoding windows-1252.`
    : `The file is not ${encoding}: a byte${place} is not part of such a text. ${SAVE_AS_UTF8}, or give its encoding.`;
}

const START_BYTES = 4;

/** Files that are taken for CSV by mistake, by their first bytes. */
const OTHER_FILES = [
  ['504b0304', 'an Excel workbook (.xlsx) or another zip archive'],
  ['d0cf11e0', 'an old Excel workbook (.xls)'],
  ['1f8b', 'compressed by gzip'],
] as const;

const BYTE_ORDER_MARKS = [
  ['efbbbf', 'utf-8'],
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
] as const;

/** @throws EncodingError if the first bytes show another kind of file or another encoding. */
function requireStartOf(encoding: TextEncoding, bytes: Buffer): void {
  const start = bytes.toString('hex', 0, START_BYTES);
  const other = OTHER_FILES.find(([signature]) => start.startsWith(signature));
  if (other) throw new EncodingError(`The file is ${other[1]}. Save it as CSV with UTF-8.`);
  const mark = BYTE_ORDER_MARKS.find(([signature]) => start.startsWith(signature));
  const found = mark?.[1] ?? byNuls(bytes);
  if (found === null || found === encoding) return;
  const reason = mark ? 'it begins with that byte order mark' : 'so its NUL bytes say';
  throw new EncodingError(
    `The file is ${found} (${reason}), and was read as ${encoding}. ` +
      (found === 'utf-8'
        ? 'Leave --encoding out.'
        : `${SAVE_AS_UTF8}, or give --encoding ${found}.`),
  );
}

/** The first character of a header is ASCII, so one of its two bytes is NUL in UTF-16. */
function byNuls([first, second]: Buffer): TextEncoding | null {
  if (first === undefined || second === undefined) return null;
  if (first !== 0 && second === 0) return 'utf-16le';
  return first === 0 && second !== 0 ? 'utf-16be' : null;
}
