import type { Writability } from '../../../src/inventory/write-health.js';
import { CountedTurns, openLanes } from '../../support/simulated-lanes.js';

/** A database that is away when the test says so. */
function switchable() {
  const waiting: (() => void)[] = [];
  const writes = {
    isWritable: true,
    whenWritable: (deadline) =>
      new Promise((resolve) => {
        if (writes.isWritable) resolve(true);
        else {
          waiting.push(() => {
            resolve(true);
          });
          deadline.clock.after(deadline.leftMs, () => {
            resolve(false);
          });
        }
      }),
  } as { isWritable: boolean } & Writability;
  const back = () => {
    writes.isWritable = true;
    for (const tell of waiting.splice(0)) tell();
  };
  return { writes, back };
}

test('a turn ends where its transaction has no outcome for too long, and the transaction goes on', async () => {
  const turns = new CountedTurns();
  const { time, database, commit, deduct } = openLanes({ turns, turnMaxMs: 2_500 });
  database.createProduct('p', 10);
  commit.ms = 4_000;
  const answer = deduct('p', 'a');
  await time.runUntil(2_400);
  expect(turns.ended).toBe(0);
  await time.runUntil(2_600);
  expect(turns.ended).toBe(1);
  await time.runUntil(5_000);
  expect(await answer).toBe(9);
  expect(turns).toMatchObject({ taken: 1, ended: 1 });
});

test('a lane whose turn has ended takes another one for the entries behind', async () => {
  const turns = new CountedTurns();
  const { time, database, commit, deduct } = openLanes({
    turns,
    turnMaxMs: 1_000,
    lockWaitMs: 5_000,
  });
  database.createProduct('p', 10);
  commit.ms = 2_000;
  const first = deduct('p', 'a');
  await time.runUntil(500);
  const second = deduct('p', 'b');
  commit.ms = 10;
  await time.runUntil(4_000);
  expect([await first, await second]).toEqual([9, 8]);
  expect(turns).toMatchObject({ taken: 2, ended: 2 });
});

test('no turn is asked for while the database is away, and callers learn of it within a second', async () => {
  const turns = new CountedTurns();
  const { writes } = switchable();
  const { time, database, deduct } = openLanes({ turns, writes, lockWaitMs: 15_000 });
  database.createProduct('p', 10);
  writes.isWritable = false;
  const answer = deduct('p', 'a', { ms: 15_000 });
  await time.runUntil(1_000);
  expect(await answer).toBe('UNAVAILABLE');
  expect(turns.taken).toBe(0);
});

test('a hiccup of the database is waited out', async () => {
  const { writes, back } = switchable();
  const { time, database, deduct } = openLanes({ writes });
  database.createProduct('p', 10);
  writes.isWritable = false;
  const answer = deduct('p', 'a');
  await time.runUntil(900);
  back();
  await time.runUntil(1_000);
  expect(await answer).toBe(9);
});

test('entries behind a transaction that does not move are answered once the database is known to be away', async () => {
  const turns = new CountedTurns();
  const { writes } = switchable();
  const lanes = openLanes({ turns, writes, turnMaxMs: 60_000, lockWaitMs: 15_000 });
  const { time, database, commit, deduct } = lanes;
  database.createProduct('p', 10);
  commit.ms = 10_000;
  const stuck = deduct('p', 'a', { ms: 15_000 });
  await time.runUntil(100);
  const behind = deduct('p', 'b', { ms: 15_000 });
  writes.isWritable = false;
  await time.runUntil(3_000);
  expect(await behind).toBe('UNAVAILABLE');
  expect(turns.ended).toBe(1);
  await time.runUntil(11_000);
  expect(await stuck).toBe(9);
});
