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
import type { Deadline } from '../time/deadline.js';
import type {
  FencedLease,
  Lease,
  OwnedElsewhere,
  OwningEvents,
  OwningLockService,
} from './lock-service.js';
import { ServerLocks } from './server-locks.js';
import type { RedisLockSettings } from './settings.js';
import { Waiter } from './waiting-room.js';

export class RedisLockService extends GroupedLockService<FencedLease> implements OwningLockService {
  private readonly servers: RedisServers;
  private readonly locks: ReadonlyMap<RedisServerAddress, ServerLocks>;
  private receive: (text: string) => void = () => undefined;

  /**
   * Reads the scripts; connects nothing.
   *
   * @throws RangeError for a setting out of range, RedisAddressError for a URL of another form.
   */
  constructor(given: RedisLockSettings) {
    const shared = sharedParts(given);
    const servers = parseRedisUrl(given.url);
    const receive = (text: string) => {
      this.receive(text);
    };
    const locks = servers.map(
      (server) => [server, new ServerLocks(shared, server, receive)] as const,
    );
    super(
      shared,
      locks.map(([, group]) => group),
      null,
    );
    this.servers = servers;
    this.locks = new Map(locks);
  }

  get processId(): string {
    return this.tickets.processId;
  }

  own(
    key: string,
    deadline: Deadline,
    { onQueued, onWanted }: OwningEvents,
    queues = false,
  ): Promise<Lease | OwnedElsewhere> {
    return this.wait<Lease | OwnedElsewhere>(key, deadline, (resolve, reject) => {
      const onOwner = (owner: string) => {
        resolve({ owner });
      };
      const owning = { onWanted, onOwner: queues ? null : onOwner };
      return new Waiter(deadline, this.clock.nowMs(), resolve, reject, onQueued, owning);
    });
  }

  routeOf(key: string): string {
    const { servers } = this;
    return String(servers.indexOf(serverOf(servers, key)));
  }

  tell(key: string, processId: string, text: string): Promise<boolean> {
    return this.groupOf(key).tell(key, processId, text);
  }

  onMail(receive: (text: string) => void): void {
    this.receive = receive;
  }

  protected override groupOf(key: string): ServerLocks {
    const locks = this.locks.get(serverOf(this.servers, key));
    if (!locks) throw new Error('A server without its locks: a bug.');
    return locks;
  }
}
