/**
 * The lock service on a majority of several independent Redis servers: the Redlock algorithm
 * (https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/), by the package redis-semaphore.
 *
 * It survives the loss of a minority without a moment in which a lock is away, and pays for it: each acquire and
 * release asks all servers, waiters poll, there is no queue among processes and no fencing token.
 */
import { parseRedisUrl } from '../redis/address.js';
import { GroupedLockService, sharedParts } from './grouped-lock-service.js';
import type { Lease } from './lock-service.js';
import { QuorumLocks } from './quorum-locks.js';
import type { RedisLockSettings } from './settings.js';

/** With fewer a majority is all of them. */
export const REDLOCK_SERVERS_MIN = 3;

export class RedlockService extends GroupedLockService<Lease> {
  private readonly locks: QuorumLocks;

  /**
   * Connects nothing.
   *
   * @throws RangeError for a setting out of range and for fewer than three independent servers, RedisAddressError for a
   *   URL of another form.
   */
  constructor(given: RedisLockSettings) {
    const { ttlMs } = given;
    // All servers of a lock count one life, so it does not change.
    const shared = sharedParts({ ...given, ttlMs: typeof ttlMs === 'function' ? ttlMs() : ttlMs });
    const servers = parseRedisUrl(given.url);
    if (independentServersOf(given.url) < REDLOCK_SERVERS_MIN) {
      throw new RangeError('Redlock needs at least three independent servers.');
    }
    const locks = new QuorumLocks(shared, servers);
    super(shared, [locks], locks.quorum);
    this.locks = locks;
  }

  protected override groupOf(): QuorumLocks {
    return this.locks;
  }
}

/** How many servers the address names that know nothing of each other. @throws RedisAddressError */
export function independentServersOf(url: string): number {
  return parseRedisUrl(url).filter(({ endpoint }) => endpoint !== null).length;
}
