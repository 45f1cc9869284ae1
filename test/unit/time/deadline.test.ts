import { Deadline } from '../../../src/time/deadline.js';
import { FakeClock } from '../../support/fake-clock.js';

const clock = new FakeClock();

test.each([-1, Number.NaN, -Infinity])('a deadline %d ms from now is refused', (ms) => {
  expect(() => Deadline.in(ms, clock)).toThrow(
    new RangeError(`A deadline must be 0 ms or more from now; got ${ms}.`),
  );
});

test('a deadline whose end is no number is refused', () => {
  expect(() => new Deadline(clock, Number.NaN)).toThrow(RangeError);
  expect(() => Deadline.in(10, clock).within(Number.NaN)).toThrow(RangeError);
});

test('an end in the past leaves nothing', () => {
  expect(new Deadline(clock, clock.nowMs() - 5)).toMatchObject({ leftMs: 0, hasPassed: true });
  expect(Deadline.in(0, clock)).toMatchObject({ leftMs: 0, hasPassed: true });
  expect(Deadline.in(Infinity, clock)).toMatchObject({ leftMs: Infinity, hasPassed: false });
});

test('further signals abort it, too, and the end stays', () => {
  const caller = new AbortController();
  const other = new AbortController();
  const deadline = Deadline.in(10, clock, caller.signal);
  expect(deadline.alsoAbortedBy([])).toBe(deadline);

  const both = deadline.alsoAbortedBy([other.signal]);
  expect(both.endMs).toBe(deadline.endMs);
  const reason = new Error('the other one');
  other.abort(reason);
  expect(both.signal?.reason).toBe(reason);
  expect(deadline.callerHasGone).toBe(false);

  const again = deadline.alsoAbortedBy([new AbortController().signal]);
  caller.abort();
  expect(again.callerHasGone).toBe(true);
});

test("a wait for a turn ends with the caller's own bound, the given one, or the deadline, whichever is first", () => {
  const deadline = Deadline.in(100, clock).waitingAtMost(20);
  expect(deadline.leftMs).toBe(100);
  expect(deadline.forWaiting(50).leftMs).toBe(20);
  expect(deadline.forWaiting(10).leftMs).toBe(10);
  expect(Deadline.in(5, clock).waitingAtMost(20).forWaiting(10).leftMs).toBe(5);
  const unbounded = Deadline.in(100, clock);
  expect(unbounded.waitingAtMost(null)).toBe(unbounded);
  expect(unbounded.forWaiting(50).leftMs).toBe(50);
});
