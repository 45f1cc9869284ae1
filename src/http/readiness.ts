/**
 * The answer of `GET /ready`: whether a load balancer should send requests to this process, and the state of each
 * dependency.
 *
 * A process is not ready while it stops and while a required dependency is away. Optional dependencies are only
 * reported: a health check that failed with Redis would take the whole fleet down with Redis.
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
  readonly servers: readonly {
    readonly name: string | null;
    readonly available: boolean;
    readonly since: Date;
  }[];
}

const PING_TIMEOUT_MS = 1_000;

export class Readiness {
  private draining = false;

  constructor(
    private readonly parts: {
      readonly database: { ping(): Promise<unknown> };
      readonly writes: { report(): WriteState };
      readonly lock: { health(): ServiceHealth } | null;
      readonly lockIsNeeded: boolean;
    },
  ) {}

  /** From now on not ready: load balancers send no more requests while those under way finish. */
  drain(): void {
    this.draining = true;
  }

  async report(): Promise<ReadinessReport> {
    const { lock, lockIsNeeded } = this.parts;
    const database = await this.databaseAnswers();
    const writes = this.parts.writes.report();
    const lockHealth = lock?.health();
    // Where a part of several Redis is away, every process is without it, and serves the other products.
    const lockServes = !lockIsNeeded || !lockHealth || lockHealth.servers.some(isAvailable);
    return {
      ready: database && writes.writable && lockServes && !this.draining,
      details: {
        draining: this.draining,
        database: database ? 'available' : 'away',
        writes: writes.writable ? 'available' : 'away',
        ...(!writes.writable && { writesSince: writes.since.toISOString() }),
        ...(lockHealth && lockDetails(lockHealth, lockIsNeeded)),
      },
    };
  }

  private async databaseAnswers(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => {
        resolve(false);
      }, PING_TIMEOUT_MS);
    });
    const ping = this.parts.database.ping().then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([ping, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function lockDetails(health: ServiceHealth, isNeeded: boolean): ReadinessReport['details'] {
  const { servers } = health;
  const served = servers.filter(isAvailable).length;
  const without = isNeeded ? 'nothing' : 'database';
  const under = served === 0 ? without : served < servers.length ? `redis or ${without}` : 'redis';
  const names = servers.filter((server) => !isAvailable(server)).map(({ name }) => name);
  return {
    lock: served === servers.length ? 'available' : served === 0 ? 'away' : 'partly away',
    ...(servers.length > 1 && { redisAway: names }),
    lockSince: health.since.toISOString(),
    deductionsRunUnder: under,
  };
}

function isAvailable({ available }: { readonly available: boolean }): boolean {
  return available;
}
