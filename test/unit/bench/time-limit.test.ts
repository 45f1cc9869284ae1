import { TimeLimit } from '../../../bench/time-limit.js';

test('a scenario runs once, and again only where it would be over in time', () => {
  let nowMs = 1_000;
  const limit = new TimeLimit(600, () => nowMs);
  nowMs += 500;
  expect(limit.leavesOut('hot')).toBe(false);
  limit.took('hot', 90);
  nowMs += 10;
  expect(limit.leavesOut('hot')).toBe(false);
  nowMs += 1;
  expect(limit.leavesOut('hot')).toBe(true);
  limit.took('hot', 80);
  expect(limit.leavesOut('hot')).toBe(false);
  nowMs += 10_000;
  expect(limit.leavesOut('solo')).toBe(false);
});

test('without a limit nothing is left out', () => {
  const limit = new TimeLimit(Infinity, () => 5);
  limit.took('hot', 1e12);
  expect(limit.leavesOut('hot')).toBe(false);
});
