/** Whether Redis serves the lock, told to those who ask and, once for each change, to those who must know. */
import type { Clock } from '../time/clock.js';
import { LockUnavailableError } from './errors.js';
import type { LockLog } from './lock-service.js';

export interface LockHealth {
  readonly available: boolean;
  /** Why not; without addresses or secrets. */
  readonly reason?: string;
  readonly since: Date;
}

export class Availability {
  private current: LockHealth;

  constructor(
    private readonly clock: Clock,
    private readonly log: LockLog | undefined,
  ) {
    this.current = { available: false, reason: NOT_STARTED, since: clock.today() };
  }

  get available(): boolean {
    return this.current.available;
  }

  health(): LockHealth {
    return this.current;
  }

  /** False where Redis was away already: what fails then is another view of the same absence. */
  away(reason: string): boolean {
    if (!this.current.available && this.current.reason !== NOT_STARTED) return false;
    this.current = { available: false, reason, since: this.clock.today() };
    this.log?.warn({ reason }, 'Redis does not serve the lock.');
    return true;
  }

  back(): void {
    const { available, reason, since } = this.current;
    if (available) return;
    this.current = { available: true, since: this.clock.today() };
    if (reason === NOT_STARTED) return;
    const awayMs = this.current.since.getTime() - since.getTime();
    this.log?.info({ awayMs }, 'Redis serves the lock again.');
  }

  /** For good. */
  end(): void {
    this.current = { available: false, reason: 'stopped', since: this.clock.today() };
  }

  /** For those who must be refused. */
  error(): LockUnavailableError {
    return new LockUnavailableError(
      `The lock is unavailable: ${this.current.reason ?? 'unknown'}.`,
    );
  }
}

const NOT_STARTED = 'not started';
