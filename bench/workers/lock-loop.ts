/**
 * Acquires and releases a lock repeatedly, without work under it. Over many keys this measures the lock's own cost;
 * over one key of several processes, the speed of its hand-overs.
 */
import type { Answer } from '../contenders/contender.js';
import type { Lock } from '../locks/lock.js';
import { machineMs } from '../machine-clock.js';
import type { Instruments } from '../measurement/instruments.js';
import type { Window } from '../measurement/samples.js';
import { ClosedLoop } from './closed-loop.js';
import type { Outcome, Work } from './job.js';

export class LockLoop implements Work {
  private readonly loop: ClosedLoop;
  private acquiredMs: number[] = [];
  private acquireTookMs: number[] = [];
  private turn = 0;

  constructor(
    private readonly lock: Lock,
    private readonly keys: number,
    instruments: Instruments,
  ) {
    this.loop = new ClosedLoop(
      () => this.takeOnce(),
      instruments,
      () => lock.close(),
    );
  }

  warmUp(callers: number, durationMs: number): Promise<void> {
    return this.loop.warmUp(callers, durationMs);
  }

  async measure(callers: number, window: Window): Promise<Outcome> {
    this.acquiredMs = [];
    this.acquireTookMs = [];
    const outcome = await this.loop.measure(callers, window);
    const within = this.acquiredMs.filter((ms) => ms >= window.startMs && ms <= window.endMs);
    return {
      ...outcome,
      acquiredMs: Float64Array.from(within),
      acquireTookMs: Float64Array.from(this.acquireTookMs),
    };
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  private async takeOnce(): Promise<Answer> {
    this.turn = (this.turn + 1) % this.keys;
    const askedMs = machineMs();
    const release = await this.lock.acquire(`lock:bench:{${this.turn}}`);
    const acquiredMs = machineMs();
    this.acquiredMs.push(acquiredMs);
    this.acquireTookMs.push(acquiredMs - askedMs);
    await release();
    return 'taken';
  }
}
