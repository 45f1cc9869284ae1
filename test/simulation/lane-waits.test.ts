/** A lane whose entries arrive in another order than that of their deadlines. */
import { Lane } from '../../src/inventory/lanes/lane.js';
import { CommitSlots } from '../../src/inventory/lanes/commit-slots.js';
import { GroupCommit } from '../../src/inventory/lanes/group-commit.js';
import { Standstill } from '../../src/inventory/lanes/standstill.js';
import { Operations } from '../../src/inventory/operation.js';
import type { StockWrite } from '../../src/inventory/stock.js';
import type { WriteResult } from '../../src/inventory/stock-store.js';
import { ALWAYS_WRITABLE } from '../../src/inventory/write-health.js';
import { SimulatedProcess } from '../../src/simulation/simulated-process.js';
import { SimulatedTime } from '../../src/simulation/simulated-time.js';
import { Deadline } from '../../src/time/deadline.js';
import { systemRandomBytes } from '../../src/time/clock.js';

const operations = new Operations(systemRandomBytes);

function write(productId: string): StockWrite {
  const change = { type: 'TAKE', kind: 'DEDUCTION' } as const;
  return {
    type: 'LINES',
    operation: operations.identify('deductStock', null, null, []),
    atomic: false,
    lines: [{ index: 0, productId, locationId: 'default', quantity: 1, change }],
    productIds: [productId],
    reason: null,
    reference: null,
  };
}

/** A lane whose product's turn is held elsewhere for ever, and how often it has asked for that. */
function laneWithoutTurn() {
  const time = new SimulatedTime();
  const { clock } = new SimulatedProcess('a', time, 0);
  const asked = { times: 0 };
  const turns = {
    take: (_: readonly string[], deadline: Deadline) => {
      asked.times += 1;
      if (asked.times > 100) throw new Error('The lane asks without end.');
      const failure = { code: 'LOCK_TIMEOUT', waitedMs: deadline.leftMs } as const;
      return new Promise<{ failure: typeof failure }>((resolve) => {
        if (deadline.hasPassed) resolve({ failure });
        else
          clock.after(deadline.leftMs, () => {
            resolve({ failure });
          });
      });
    },
  };
  const store = { apply: () => Promise.reject(new Error('There is no turn.')) };
  const commits = new GroupCommit(store, new CommitSlots(1, clock), { batchMax: 10 }, clock);
  const settings = {
    lockWaitMs: 5_000,
    tenureMs: 50,
    tenureCommitsMax: 10,
    keepMs: 1_000,
    handedMax: 100,
    queueMax: 10,
    queueMaxPerPrincipal: 10,
    retryAfterMs: 1_000,
  };
  const writes = ALWAYS_WRITABLE;
  const standstill = new Standstill(clock, writes, { turnMaxMs: 5_000 });
  const parts = { turns, commits, writes, standstill, settings, clock };
  return { time, clock, asked, lane: new Lane('p', parts, () => undefined) };
}

test('a turn held elsewhere is asked for once, and each entry is answered at the end of its own wait', async () => {
  const { time, clock, asked, lane } = laneWithoutTurn();
  const startedMs = clock.nowMs();
  const answeredMs: number[] = [];
  for (const waitMs of [3_000, 1_000, 100]) {
    void lane.enqueue(write('p'), Deadline.in(waitMs, clock)).then((result) => {
      expect(result).toMatchObject({ outcome: 'REFUSED', failure: { code: 'LOCK_TIMEOUT' } });
      answeredMs.push(clock.nowMs());
    });
  }
  await time.runUntil(10_000);
  expect(answeredMs).toEqual([100, 1_000, 3_000].map((waitMs) => startedMs + waitMs));
  expect(asked.times).toBeLessThan(5);
});

test('an entry that waits behind one in doubt is answered at the end of its own wait', async () => {
  const { time, clock, asked, lane } = laneWithoutTurn();
  const startedMs = clock.nowMs();
  const answers: (readonly [string, number])[] = [];
  const noteAnswer = (result: WriteResult) => {
    const code = result.outcome === 'REFUSED' ? result.failure.code : result.outcome;
    answers.push([code, clock.nowMs() - startedMs]);
  };
  const delegated = { call: 'call', attempt: 2, ageMs: 0 };
  const origin = { process: 'b', giveBack: () => undefined };
  // What became of its first attempt is not known, so its caller waits until the deadline, and not only for a turn.
  const inDoubt = Deadline.in(4_000, clock).waitingAtMost(500);
  void lane.enqueue({ ...write('p'), delegated }, inDoubt, origin).then(noteAnswer);
  await time.runUntil(100);
  void lane.enqueue(write('p'), Deadline.in(1_000, clock)).then(noteAnswer);
  await time.runUntil(10_000);
  expect(answers).toEqual([
    ['LOCK_TIMEOUT', 1_100],
    ['UNAVAILABLE', 4_000],
  ]);
  expect(asked.times).toBeLessThan(5);
});
