/**
 * The lock service on one Redis, several independent ones or the shards of a cluster, where each key belongs to one of
 * them (server-locks.ts). key-lock.ts has the protocol of one lock, `lua/` its part at Redis, README.md the guarantees.
 */
import {
  parseRedisUrl,
  serverOf,
  type RedisServerAddress,
  type RedisServers,
} from '../redis/address.js';
import { GroupedLockService, sharedParts } from './grouped-lock-service.js';
import type { FencedLease } from './lock-service.js';
import { ServerLocks } from './server-locks.js';
import type { RedisLockSettings } from './settings.js';

export class RedisLockService extends GroupedLockService<FencedLease> {
  private readonly servers: RedisServers;
  private readonly locks: ReadonlyMap<RedisServerAddress, ServerLocks>;

  /**
   * Reads the scripts; connects nothing.
   *
   * @throws RangeError for a setting out of range, RedisAddressError for a URL of another form.
   */
  constructor(given: RedisLockSettings) {
    const shared = sharedParts(given);
    const servers = parseRedisUrl(given.url);
    const locks = servers.map((server) => [server, new ServerLocks(shared, server)] as const);
    super(
      shared,
      locks.map(([, group]) => group),
      null,
    );
    this.servers = servers;
    this.locks = new Map(locks);
  }

  protected override groupOf(key: string): ServerLocks {
    const locks = this.locks.get(serverOf(this.servers, key));
    if (!locks) throw new Error('A server without its locks: a bug.');
    return locks;
  }
}
