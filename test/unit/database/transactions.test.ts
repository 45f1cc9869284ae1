/** What a call answers after a COMMIT that was refused as a lost race: at a member that left its group it may count. */
import type { Sequelize, Transaction } from 'sequelize';
import {
  runTransaction,
  type RunningTransaction,
  type TransactionOptions,
} from '../../../src/database/writing/transactions.js';
import { WRITE_HEALTH, WriteHealth } from '../../../src/inventory/write-health.js';
import { Deadline } from '../../../src/time/deadline.js';
import { FakeClock } from '../../support/fake-clock.js';

const TIMEOUT_MS = 10_000;
const REFUSED_BY_GROUP = serverError(3101);
const DEADLOCK = serverError(1213);
const ROWS_LOCKED = serverError(1205);
const AWAY = Object.assign(new Error('No way to the server.'), { code: 'ECONNREFUSED' });

function serverError(errno: number): Error {
  return Object.assign(new Error(`Error ${errno}`), { original: { errno } });
}

/** What becomes of one attempt; an error in the work, or one of COMMIT. */
interface Fate {
  readonly work?: Error;
  readonly commit?: Error;
}

/** A database at which the attempts have these fates; from the last one on, all have that. */
function databaseWith(fates: readonly Fate[]) {
  const attempts: RunningTransaction[] = [];
  const fate = () => fates[Math.min(attempts.length, fates.length) - 1] ?? {};
  const sequelize = {
    transaction: async (work: (transaction: Transaction) => Promise<string>) => {
      const value = await work({} as unknown as Transaction);
      const { commit } = fate();
      if (commit) throw commit;
      return value;
    },
  } as unknown as Sequelize;
  const work = (running: RunningTransaction): Promise<string> => {
    attempts.push(running);
    const error = fate().work;
    return error ? Promise.reject(error) : Promise.resolve('done');
  };
  return { sequelize, work, attempts };
}

/** Runs it on a clock that goes on whenever the call waits. */
async function run(
  { sequelize, work }: ReturnType<typeof databaseWith>,
  clock: FakeClock,
  options: TransactionOptions = {},
) {
  const deadline = Deadline.in(TIMEOUT_MS, clock);
  const beganMs = clock.nowMs();
  const call = runTransaction(sequelize, deadline, work, options, () => 1);
  for (;;) {
    const waits = new Promise<null>((resolve) => setImmediate(resolve, null));
    const outcome = await Promise.race([call, waits]);
    if (outcome) return { ...outcome, tookMs: clock.nowMs() - beganMs };
    clock.advance(10);
  }
}

async function databaseAway(clock: FakeClock): Promise<WriteHealth> {
  const health = new WriteHealth({ clock, random: () => 1, probe: () => Promise.reject(AWAY) });
  health.begin().ended(AWAY);
  await new Promise((resolve) => setImmediate(resolve));
  expect(health.isWritable).toBe(false);
  return health;
}

describe('a race that is lost at COMMIT', () => {
  test('is repeated until it succeeds, and each attempt looks for traces of the earlier ones', async () => {
    const refused = Array<Fate>(12).fill({ commit: REFUSED_BY_GROUP });
    const database = databaseWith([...refused, {}]);
    expect(await run(database, new FakeClock())).toMatchObject({ outcome: 'COMMITTED' });
    const [first, ...rest] = database.attempts;
    expect(first).toMatchObject({ commitFailed: false, tracesAreSought: false });
    expect(rest).toHaveLength(12);
    for (const attempt of rest) {
      expect(attempt).toMatchObject({ commitFailed: true, tracesAreSought: true, settling: false });
    }
  });

  test('may have been applied where the database is away until the deadline', async () => {
    const clock = new FakeClock();
    const health = await databaseAway(clock);
    const outcome = await run(databaseWith([{ commit: REFUSED_BY_GROUP }]), clock, { health });
    expect(outcome).toMatchObject({ outcome: 'UNAVAILABLE', mayHaveApplied: true });
    expect(outcome.tookMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
    health.stop();
  });

  test.each<[string, Fate]>([
    ['lose the race again', { commit: REFUSED_BY_GROUP }],
    ['lose it before COMMIT', { work: DEADLOCK }],
    ['meet locked rows', { work: ROWS_LOCKED }],
    ['reach no server', { work: AWAY }],
  ])('may have been applied where all further attempts %s', async (_, further) => {
    const database = databaseWith([{ commit: REFUSED_BY_GROUP }, further]);
    const outcome = await run(database, new FakeClock(), { impatient: true });
    expect(outcome).toMatchObject({ outcome: 'UNAVAILABLE', mayHaveApplied: true });
    expect(outcome.tookMs).toBeGreaterThan(TIMEOUT_MS - 1_000);
  });
});

describe('where no COMMIT was sent, nothing was applied', () => {
  test.each<[string, Error, object]>([
    ['a lost race', DEADLOCK, { outcome: 'UNAVAILABLE', mayHaveApplied: false }],
    ['locked rows', ROWS_LOCKED, { outcome: 'ROWS_LOCKED' }],
    ['no server', AWAY, { outcome: 'UNAVAILABLE', mayHaveApplied: false }],
  ])('after %s', async (_, work, expected) => {
    expect(await run(databaseWith([{ work }]), new FakeClock())).toMatchObject(expected);
  });

  test('and a call waits a moment only for a database that is away', async () => {
    const clock = new FakeClock();
    const health = await databaseAway(clock);
    const outcome = await run(databaseWith([{ work: AWAY }]), clock, { health });
    expect(outcome).toMatchObject({ outcome: 'UNAVAILABLE', mayHaveApplied: false });
    expect(outcome.tookMs).toBeLessThan(2 * WRITE_HEALTH.patienceMs);
    health.stop();
  });
});
