/** Refusals are seen, and a flood of them is no flood of lines. */
import { jest } from '@jest/globals';
import { RefusalLog } from '../../../src/graphql/refusal-log.js';

interface Line {
  readonly level: string;
  readonly kind?: string;
  readonly suppressed?: number;
}

function logged() {
  const lines: Line[] = [];
  const write = (level: string) => (fields: object) => void lines.push({ level, ...fields });
  const log = { warn: write('warn'), info: write('info'), debug: write('debug') };
  return { lines, refusals: new RefusalLog(log as never) };
}

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

test('a refusal is one line with its kind, reason, address and principal', () => {
  const { lines, refusals } = logged();
  const refusal = { reason: 'Too many.', address: '192.0.2.1', principal: 'shop' };
  refusals.add({ kind: 'rate-limit', ...refusal });
  refusals.add({ kind: 'form', reason: 'HTTP 415', address: '192.0.2.2' });
  expect(lines).toEqual([
    { level: 'info', kind: 'rate-limit', ...refusal },
    { level: 'debug', kind: 'form', reason: 'HTTP 415', address: '192.0.2.2' },
  ]);
});

test('of a thousand refusals in a second a few have lines, one line tells of the others, and all are counted', () => {
  const { lines, refusals } = logged();
  for (let i = 0; i < 1_000; i += 1) refusals.add({ kind: 'credential', reason: 'Unknown.' });
  expect(lines).toHaveLength(5);
  refusals.add({ kind: 'origin', reason: 'Foreign.' });
  expect(lines).toHaveLength(6);
  jest.advanceTimersByTime(1_000);
  expect(lines.slice(6)).toEqual([{ level: 'info', kind: 'credential', suppressed: 995 }]);
  refusals.add({ kind: 'credential', reason: 'Unknown.' });
  expect(lines).toHaveLength(8);
  expect(refusals.stats()).toMatchObject({ credential: 1_001, origin: 1, scope: 0 });
});
