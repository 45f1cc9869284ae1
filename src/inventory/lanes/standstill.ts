/**
 * Ends a turn under which nothing moves. The lock is renewed as long as its owner lives, so without this a process that
 * has lost its way to the database would keep its products from all other processes.
 *
 * The transaction goes on without the turn: correctness never needed it. Its outcome is settled under its operation
 * ids, and its callers get the answer that is true then.
 */
import type { Clock, Timer } from '../../time/clock.js';
import type { Writability } from '../write-health.js';
import type { Turn } from './turns.js';

const LOOK_MS = 1_000;

export class Standstill {
  constructor(
    private readonly clock: Clock,
    private readonly writes: Writability,
    /** How long a turn is kept while its transaction has no outcome, in milliseconds; may change. */
    private readonly settings: { readonly turnMaxMs: number },
  ) {}

  /**
   * Watches one commit under a turn, until it is cancelled: ends the turn when the database is away, or after
   * `turnMaxMs`.
   *
   * @param events.onEnd called where it ends the turn.
   * @param events.whileAway called at each look that finds the database away, after the first one, which may be a
   *   hiccup.
   */
  watch(
    turn: Turn,
    events: { readonly onEnd?: () => void; readonly whileAway?: () => void } = {},
  ): Timer {
    const { clock, writes, settings } = this;
    const endMs = clock.nowMs() + settings.turnMaxMs;
    let wasAway = false;
    let timer: Timer;
    const lookSoon = () => {
      const leftMs = endMs - clock.nowMs();
      timer = clock.after(leftMs > 0 ? Math.min(LOOK_MS, leftMs) : LOOK_MS, look);
    };
    const look = () => {
      const isAway = !writes.isWritable;
      if (isAway || clock.nowMs() >= endMs) {
        turn.end();
        events.onEnd?.();
      }
      if (isAway && wasAway) events.whileAway?.();
      wasAway = isAway;
      lookSoon();
    };
    lookSoon();
    return {
      cancel: () => {
        timer.cancel();
      },
    };
  }
}
