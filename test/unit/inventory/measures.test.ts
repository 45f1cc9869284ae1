/** What is measured of turns and commits. Needs no services. */
import type { Measures } from '../../../src/inventory/measures.js';
import { UNAVAILABLE } from '../../../src/inventory/stock.js';
import type { NoTurn, Turn, Turns } from '../../../src/inventory/lanes/turns.js';
import { COMMIT_MS, CountedTurns, openLanes } from '../../support/simulated-lanes.js';

class Notes implements Measures {
  readonly lines: string[] = [];
  waited = (operation: string, ms: number) => this.lines.push(`${operation} waited ${ms}`);
  held = (operation: string, ms: number) => this.lines.push(`${operation} held ${ms}`);
  committed = (operation: string, ms: number, lines: number) =>
    this.lines.push(`${operation} committed ${lines} in ${ms}`);
}

test('a turn and its commit are measured once for all lines that share them', async () => {
  const measures = new Notes();
  const { time, database, deduct } = openLanes({ measures });
  database.createProduct('p', 10);
  const answers = ['a', 'b', 'c'].map((reference) => deduct('p', reference));
  await time.runUntil(1_000);
  expect(await Promise.all(answers)).toEqual([9, 8, 7]);
  expect(measures.lines).toEqual([
    'deductStock waited 0',
    `deductStock committed 3 in ${COMMIT_MS}`,
    `deductStock held ${COMMIT_MS}`,
  ]);
});

test('a turn that is not granted, and a transaction that decided nothing, are not measured', async () => {
  const measures = new Notes();
  const refused: NoTurn = { failure: UNAVAILABLE };
  const turns: Turns = { take: (): Promise<Turn | NoTurn> => Promise.resolve(refused) };
  const { time, database, deduct } = openLanes({ measures, turns });
  database.createProduct('p', 10);
  const answer = deduct('p', 'a');
  await time.runUntil(100);
  expect(await answer).toBe('UNAVAILABLE');
  const away = openLanes({ measures, turns: new CountedTurns() });
  away.database.createProduct('p', 10);
  away.commit.ms = 10_000;
  const late = away.deduct('p', 'b', { ms: 200 });
  await away.time.runUntil(20_000);
  expect(await late).toBe('UNAVAILABLE');
  expect(measures.lines.filter((line) => line.includes('committed'))).toEqual([]);
});
