/** Whether Redis serves the lock, with one log line for each change. */
import type { Clock } from '../time/clock.js';
import { LockUnavailableError } from './errors.js';
import type { LockLog } from './lock-service.js';

export interface LockHealth {
  readonly available: boolean;
  /** Why it is unavailable, without addresses and secrets. */
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

  /** @returns false when Redis was unavailable already: a further failure of the same outage. */
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

  /** The service has stopped. */
  end(): void {
    this.current = { available: false, reason: 'stopped', since: this.clock.today() };
  }

  /** The error for calls while Redis is unavailable. */
  error(): LockUnavailableError {
    return new LockUnavailableError(
      `The lock is unavailable: ${this.current.reason ?? 'unknown'}.`,
    );
  }
}

const NOT_STARTED = 'not started';
