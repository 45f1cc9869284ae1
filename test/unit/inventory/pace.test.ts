import { Pace } from '../../../src/inventory/lanes/pace.js';
import { FakeClock } from '../../support/fake-clock.js';

/** Lets so many go each second, in steps of 10 ms. */
function move(pace: Pace, clock: FakeClock, perSecond: number, forMs: number): void {
  for (let ms = 0; ms < forMs; ms += 10) {
    clock.advance(10);
    pace.add(perSecond / 100);
  }
}

test.each([10, 100, 20_000])(
  'the pace of a queue that moves at %d per second is told from the start',
  (perSecond) => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    for (const forMs of [100, 400, 5_000]) {
      move(pace, clock, perSecond, forMs);
      expect(pace.perSecond / perSecond).toBeCloseTo(1, 1);
    }
  },
);

test('the pace follows a queue that becomes slower', () => {
  const clock = new FakeClock();
  const pace = new Pace(clock);
  move(pace, clock, 1_000, 5_000);
  move(pace, clock, 10, 8_000);
  expect(pace.perSecond).toBeLessThan(20);
  expect(pace.perSecond).toBeGreaterThan(9);
});

test('a retry is worth it when those that wait now are served', () => {
  const clock = new FakeClock();
  const pace = new Pace(clock);
  move(pace, clock, 1_000, 5_000);
  expect(pace.retryAfterMs(500) / 500).toBeCloseTo(1, 1);
  expect(pace.retryAfterMs(5_000) / 5_000).toBeCloseTo(1, 1);
});

test('a retry is bounded: for a queue that stands still, and for an empty one', () => {
  const clock = new FakeClock();
  const pace = new Pace(clock);
  expect(pace.retryAfterMs(10_000)).toBe(1_000);
  move(pace, clock, 10, 1_000);
  expect(pace.retryAfterMs(10_000)).toBe(30_000);
  expect(pace.retryAfterMs(0)).toBe(50);
  // So long ago that nothing of it counts.
  clock.advance(3_600_000);
  expect(pace.perSecond).toBe(0);
  expect(pace.retryAfterMs(10_000)).toBe(1_000);
});
