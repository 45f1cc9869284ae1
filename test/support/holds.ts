/** What several processes saw of one lock, in one order. */
import type { Hold } from './lock-process.js';

/**
 * Tokens grow and no two hold the lock, but for leases that began in the time that a failover is given. A holder that
 * was stopped for its time to live has lost its lease, and knows it: the next one rightly holds the lock beside it.
 */
export function expectOneAtATimeBut(all: readonly Hold[], fromMs: number, untilMs: number): void {
  const holds = all.filter(({ trusted }) => trusted).sort((a, b) => a.startMs - b.startMs);
  const wrong = holds.filter((hold, at) => {
    const before = holds[at - 1];
    return before && (hold.startMs < before.endMs || hold.token <= before.token);
  });
  expect(wrong.filter(({ startMs }) => startMs < fromMs || startMs > untilMs)).toEqual([]);
  const after = holds.filter(({ startMs }) => startMs > untilMs);
  const before = holds.filter(({ startMs }) => startMs <= untilMs);
  expect(after.length).toBeGreaterThan(0);
  for (const { token } of before) expect(token).toBeLessThan(after[0]?.token ?? 0n);
}
