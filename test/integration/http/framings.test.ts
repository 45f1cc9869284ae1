/**
 * Raw bytes and their answers: which framings are served, and that every wrong one is refused and never guessed. A row
 * of the table fails where an answer is missing, is one too many, or has other bytes than its Content-Length says.
 */
import { connect } from 'node:net';
import { abridged, told } from '../../support/http-exchange.js';
import { FRAMINGS } from './tables/framings.js';
import { useApp } from '../../support/use-app.js';

const PROBE = 'GET /live HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: probe\r\n\r\n';
const PROBED = '200 close probe {"live":true}';

const app = useApp();

const size = Object.values(FRAMINGS).flat().length;

test(`${size} framings are listed, each with its answers`, () => {
  expect(size).toBeGreaterThanOrEqual(165);
});

describe.each(Object.entries(FRAMINGS))('%s', (_, rows) => {
  test.each(rows.map((row) => [row[0], row] as const))('%s', async (__, row) => {
    const [, bytes, expected, ends] = row;
    const answers = await answersTo(Buffer.from(bytes, 'latin1'), { probed: !ends });
    const closes = expected.at(-1)?.includes(' close ') ?? true;
    const all = closes ? expected : [...expected, PROBED];
    expect(answers.map((answer, i) => abridged(answer, all[i] ?? ''))).toEqual(all);
  });
});

/** All answers until the server closes the connection. */
async function answersTo(bytes: Buffer, { probed }: { probed: boolean }): Promise<string[]> {
  const socket = connect(Number(new URL(app.origin).port), '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server that refuses early closes under the rest of what is sent.
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (probed) socket.write(Buffer.concat([bytes, Buffer.from(PROBE)]));
  else socket.end(bytes);
  await closed;
  return answersIn(Buffer.concat(chunks).toString('latin1'));
}

function answersIn(text: string): string[] {
  const answers: string[] = [];
  let rest = text;
  while (rest !== '') {
    const [head = '', status = '', headers = ''] =
      /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest) ?? [];
    if (head === '') throw new Error(`No answer begins here: ${rest}`);
    const length = Number(/^content-length: (\d+)\r$/im.exec(headers)?.[1] ?? 0);
    const behind = rest.slice(head.length);
    // The answer to HEAD says the length of what it leaves out.
    const body = behind.startsWith('HTTP/1.1 ') ? '' : behind.slice(0, length);
    if (body.startsWith('{')) expect(headers).toMatch(/^content-type: application\/json/im);
    const parts = [
      status,
      /^connection: close\r$/im.test(headers) && 'close',
      /^x-request-id: probe\r$/im.test(headers) && 'probe',
      told(body),
    ];
    answers.push(parts.filter(Boolean).join(' '));
    rest = behind.slice(body.length);
  }
  return answers;
}
