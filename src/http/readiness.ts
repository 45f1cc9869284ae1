/**
 * The answer of `GET /ready`: whether a load balancer should send requests to this process, and the state of each
 * dependency.
 *
 * A process is not ready while it stops and while a required dependency is away. Optional dependencies are only
 * reported: a health check that failed with Redis would take the whole fleet down with Redis.
 */
export interface ReadinessReport {
  readonly ready: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ServiceHealth {
  readonly available: boolean;
  readonly since: Date;
}

const PING_TIMEOUT_MS = 1_000;

export class Readiness {
  private draining = false;

  constructor(
    private readonly parts: {
      readonly database: { ping(): Promise<unknown> };
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
    const lockHealth = lock?.health();
    const lockServes = !lockIsNeeded || lockHealth?.available !== false;
    return {
      ready: database && lockServes && !this.draining,
      details: {
        draining: this.draining,
        database: database ? 'available' : 'away',
        ...(lockHealth && {
          lock: lockHealth.available ? 'available' : 'away',
          lockSince: lockHealth.since.toISOString(),
          deductionsRunUnder: lockHealth.available
            ? 'redis'
            : lockIsNeeded
              ? 'nothing'
              : 'database',
        }),
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
