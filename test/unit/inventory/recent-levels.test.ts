/** Which levels are remembered, and how many. */
import { RecentLevels } from '../../../src/inventory/recent-levels.js';

test('a level is remembered as it was last set, while ten thousand others are', () => {
  const levels = new RecentLevels<number>();
  levels.set('p/default', 1);
  levels.set('p/default', 2);
  for (let i = 0; i < 9_999; i += 1) levels.set(`other-${i}/default`, 0);
  expect(levels.get('p/default')).toBe(2);
  levels.set('p/default', 3);
  expect(levels.get('p/default')).toBe(3);
});

test('of twenty thousand other levels one takes the place of the level', () => {
  const levels = new RecentLevels<number>();
  for (let i = 0; i <= 20_000; i += 1) levels.set(`p${i}/default`, i);
  expect([levels.get('p0/default'), levels.get('p20000/default')]).toEqual([undefined, 20_000]);
});
