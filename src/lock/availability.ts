/** Whether a Redis server serves the lock, with one log line for each change. */
import type { Clock } from '../time/clock.js';
import { LockUnavailableError } from './errors.js';
import type { LockLog } from './lock-service.js';

export interface ServerHealth {
  /** Which of several servers, as in `Redis 2 of 3`; null where there is one. */
  readonly name: string | null;
  /** Where the connection leads, as in `10.0.0.7:6379`; null while there is none. */
  readonly address: string | null;
  readonly available: boolean;
  /** Why it is unavailable, or a part of it, without addresses and secrets. */
  readonly reason?: string;
  readonly since: Date;
}

/** Of all servers together: available where each is or a quorum of them, and since the last change of any. */
export interface LockHealth extends Omit<ServerHealth, 'name' | 'address'> {
  readonly servers: readonly ServerHealth[];
  /** How many of them are enough for all keys; null where each key belongs to one. */
  readonly quorum: number | null;
}

export function healthOf(
  servers: readonly ServerHealth[],
  quorum: number | null = null,
): LockHealth {
  const since = new Date(Math.max(...servers.map((server) => server.since.getTime())));
  const away = servers.filter(({ available }) => !available);
  const reason = away
    .map((server) => (server.name === null ? server.reason : `${server.name}: ${server.reason}`))
    .join('; ');
  const available = servers.length - away.length >= (quorum ?? servers.length);
  return { available, ...(away.length > 0 && { reason }), since, servers, quorum };
}

export class Availability {
  private current: Omit<ServerHealth, 'address'>;

  constructor(
    private readonly clock: Clock,
    private readonly log: LockLog | undefined,
    private readonly name: string | null,
  ) {
    this.current = this.now(false, NOT_STARTED);
  }

  get available(): boolean {
    return this.current.available;
  }

  health(address: string | null): ServerHealth {
    return { ...this.current, address };
  }

  /** @returns false when Redis was unavailable already: a further failure of the same outage. */
  away(reason: string): boolean {
    if (!this.current.available && this.current.reason !== NOT_STARTED) return false;
    this.current = this.now(false, reason);
    this.log?.warn({ ...this.which(), reason }, 'Redis does not serve the lock.');
    return true;
  }

  back(): void {
    const { available, reason, since } = this.current;
    if (available) return;
    this.current = this.now(true);
    if (reason === NOT_STARTED) return;
    const awayMs = this.current.since.getTime() - since.getTime();
    this.log?.info({ ...this.which(), awayMs }, 'Redis serves the lock again.');
  }

  /** The service has stopped. */
  end(): void {
    this.current = this.now(false, 'stopped');
  }

  /** The error for calls while Redis is unavailable. */
  error(): LockUnavailableError {
    return new LockUnavailableError(
      `The lock is unavailable: ${this.current.reason ?? 'unknown'}.`,
    );
  }

  private now(available: boolean, reason?: string): Omit<ServerHealth, 'address'> {
    const { name } = this;
    return { name, available, ...(reason !== undefined && { reason }), since: this.clock.today() };
  }

  private which(): object {
    return this.name === null ? {} : { redis: this.name };
  }
}

const NOT_STARTED = 'not started';
