/**
 * The answer of `GET /ready`: whether a load balancer should send requests to this process, and the state of each
 * dependency.
 *
 * A process is not ready while it stops, while it cannot commit, and while a required dependency is away. Optional
 * dependencies are only reported: a health check that failed with Redis would take the whole fleet down with Redis.
 */
import type { WriteState } from '../inventory/write-health.js';

export interface ReadinessReport {
  readonly ready: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ServiceHealth {
  readonly available: boolean;
  readonly since: Date;
  /** One for each Redis. */
  readonly servers: readonly RedisHealth[];
  /** How many of them are enough; null where each product belongs to one. */
  readonly quorum: number | null;
}

interface RedisHealth {
  readonly name: string | null;
  /** Where the connection leads, as in `10.0.0.7:6379`; null while there is none. */
  readonly address: string | null;
  readonly available: boolean;
  readonly since: Date;
}

export interface ReadinessParts {
  readonly database: {
    /** Where the newest connections lead, and what the server there says of itself; null before the first. */
    readonly server: { readonly name: string | null; readonly identity: string | null };
  };
  /** Finds out whether this process can commit, where nothing was committed a moment ago. */
  readonly writes: { check(): Promise<WriteState>; report(): WriteState };
  readonly stockLock: string;
  readonly lock: { health(): ServiceHealth } | null;
  readonly lockIsNeeded: boolean;
}

export class Readiness {
  private draining = false;

  constructor(private readonly parts: ReadinessParts) {}

  /** From now on not ready: load balancers send no more requests while those under way finish. */
  drain(): void {
    this.draining = true;
  }

  /** As far as it is known without asking the database. */
  get state(): 'READY' | 'AWAY' | 'STOPPING' {
    if (this.draining) return 'STOPPING';
    return this.parts.writes.report().writable && this.lockServes ? 'READY' : 'AWAY';
  }

  /** What serializes deductions now, as `redis`, or `redis or database` where a part of the products has no lock. */
  get deductionsRunUnder(): string {
    const { lock, lockIsNeeded, stockLock } = this.parts;
    return lock ? lockNow(lock.health(), lockIsNeeded) : stockLock;
  }

  private get lockServes(): boolean {
    const { lock, lockIsNeeded } = this.parts;
    return !lockIsNeeded || !lock || servedPart(lock.health()) !== 'none';
  }

  async report(): Promise<ReadinessReport> {
    const { lock, lockIsNeeded, stockLock } = this.parts;
    const writes = await this.parts.writes.check();
    const { name, identity } = this.parts.database.server;
    const lockHealth = lock?.health();
    return {
      ready: writes.writable && this.lockServes && !this.draining,
      details: {
        draining: this.draining,
        writes: writes.writable ? 'available' : 'away',
        ...(!writes.writable && {
          writesReason: writes.reason,
          writesSince: writes.since.toISOString(),
        }),
        mysql: name,
        mysqlServer: identity,
        stockLock,
        ...(lockHealth && lockDetails(lockHealth, lockIsNeeded)),
      },
    };
  }
}

function lockDetails(health: ServiceHealth, isNeeded: boolean): ReadinessReport['details'] {
  const { servers } = health;
  const part = servedPart(health);
  const names = servers.filter((server) => !isAvailable(server)).map(({ name }) => name);
  return {
    lock: { all: 'available', some: 'partly away', none: 'away' }[part],
    redis: servers.map(({ address }) => address),
    ...(servers.length > 1 && { redisAway: names }),
    lockSince: health.since.toISOString(),
    deductionsRunUnder: lockNow(health, isNeeded),
  };
}

function lockNow(health: ServiceHealth, isNeeded: boolean): string {
  const without = isNeeded ? 'nothing' : 'database';
  const lock = health.quorum === null ? 'redis' : 'redlock';
  return { all: lock, some: `${lock} or ${without}`, none: without }[servedPart(health)];
}

/** Which products have the lock. Where a part has none, every process is without it, and serves the others. */
function servedPart({ servers, quorum }: ServiceHealth): 'all' | 'some' | 'none' {
  const served = servers.filter(isAvailable).length;
  if (served >= (quorum ?? servers.length)) return 'all';
  return quorum === null && served > 0 ? 'some' : 'none';
}

function isAvailable({ available }: { readonly available: boolean }): boolean {
  return available;
}
