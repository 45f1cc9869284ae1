/** Time-outs that follow what was measured, on a clock that the test moves. Needs no services. */
import { TimeOuts, type TimeOutsParts } from '../../../src/inventory/time-outs.js';
import { FakeClock } from '../../support/fake-clock.js';

function open(given: Partial<TimeOutsParts> = {}) {
  const clock = new FakeClock();
  const moves: object[] = [];
  const log = { info: (details: object) => moves.push(details) };
  const times = new TimeOuts({
    ...{ ttlMs: 'auto', waitMs: 'auto', requestTimeoutMs: 15_000, clock, log },
    ...given,
  });
  /** One commit and one wait each 100 ms. */
  const run = (seconds: number, commitMs: number, waitMs = 1) => {
    for (let i = 0; i < seconds * 10; i += 1) {
      clock.advance(100);
      times.waited(waitMs);
      times.committed(commitMs);
    }
  };
  return { clock, times, moves, run };
}

test('numbers stay what they are, whatever is measured', () => {
  const { times, moves, run } = open({ ttlMs: 700, waitMs: 90 });
  run(120, 20_000, 9_000);
  expect([times.ttlMs, times.waitMs, times.ttlLeastMs]).toEqual([700, 90, 700]);
  expect(moves).toEqual([]);
});

test('auto begins with the defaults of the numbers, and knows its least', () => {
  const { times } = open();
  expect([times.ttlMs, times.waitMs, times.ttlLeastMs]).toEqual([5_000, 10_000, 3_000]);
});

test('the time to live rises within seconds of slow commits, to its bound at most', () => {
  const { times, moves, run } = open({ waitMs: 10_000 });
  run(2, 2_000);
  expect(times.ttlMs).toBeGreaterThanOrEqual(10_000);
  expect(times.ttlMs).toBeLessThanOrEqual(13_000);
  expect(moves).toEqual([expect.objectContaining({ fromMs: 5_000, toMs: times.ttlMs })]);
  run(2, 60_000);
  expect(times.ttlMs).toBe(30_000);
  expect(moves).toHaveLength(2);
});

test('the time to live falls to its bound a minute after fast commits began, in one move', () => {
  const { times, moves, run } = open({ waitMs: 10_000 });
  run(50, 5);
  expect(times.ttlMs).toBe(5_000);
  run(20, 5);
  expect(times.ttlMs).toBe(3_000);
  expect(moves).toEqual([{ fromMs: 5_000, toMs: 3_000, commitMs: 5 }]);
});

test('commits that are slow now and then do not make it flap', () => {
  const { times, moves, run } = open({ waitMs: 10_000 });
  for (let minute = 0; minute < 30; minute += 1) {
    run(30, 2_000);
    run(30, 5);
  }
  expect(times.ttlMs).toBeGreaterThanOrEqual(10_000);
  expect(moves).toHaveLength(1);
});

test('a single slow commit of ten thousand moves nothing', () => {
  const { times, run } = open({ waitMs: 10_000 });
  run(40, 5);
  for (let i = 0; i < 10_000; i += 1) times.committed(5);
  times.committed(20_000);
  run(1, 5);
  expect(times.ttlMs).toBe(5_000);
});

test('after a quiet time only what is new counts', () => {
  const { clock, times, run } = open({ waitMs: 10_000 });
  run(5, 3_000);
  const slowMs = times.ttlMs;
  expect(slowMs).toBeGreaterThan(15_000);
  clock.advance(600_000);
  run(2, 5);
  expect(times.ttlMs).toBe(3_000);
});

test('the longest wait follows the queues, and leaves a request the time of its commit', () => {
  const { times, run } = open({ ttlMs: 3_000 });
  run(70, 5, 1);
  expect(times.waitMs).toBe(6_000);
  run(2, 5, 1_000);
  expect(times.waitMs).toBeGreaterThanOrEqual(9_000);
  run(2, 5, 60_000);
  expect(times.waitMs).toBeLessThanOrEqual(14_000);
  expect(times.waitMs).toBeGreaterThan(13_000);
});

test('a short request bounds the wait, also before anything was measured', () => {
  const { times, run } = open({ requestTimeoutMs: 2_000 });
  expect(times.waitMs).toBe(1_000);
  run(70, 5, 5_000);
  expect(times.waitMs).toBe(1_000);
});

test('a wait that has become longer than what a slower commit leaves falls to it at once', () => {
  const { times, run } = open({ ttlMs: 3_000, requestTimeoutMs: 10_000 });
  run(2, 5, 5_000);
  expect(times.waitMs).toBe(9_000);
  run(2, 3_000, 5_000);
  expect(times.waitMs).toBeLessThanOrEqual(7_000);
});
