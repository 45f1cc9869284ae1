/**
 * How many requests a principal may send, over all processes together: so many per second, and a reserve for peaks.
 *
 * The count is kept in Redis, but not asked for each request: a process takes an allotment for a principal, spends it
 * by itself, and takes the next one; a principal that is refused is refused here until its next second. What processes
 * hold and do not spend makes the limit a little stricter, never looser. Without Redis nobody is limited: this guards
 * against too much, and must not itself be what stops the shop.
 */
import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

export interface RequestLimitSettings {
  readonly redisUrl: string;
  /** Requests of one principal in one second. */
  readonly perSecond: number;
  /** Requests beyond that in any ten seconds; 0 for none. */
  readonly burst: number;
  readonly log: {
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
  };
}

/** Too many requests. Nothing was done. */
export class RateLimitedError extends Error {
  readonly code = 'RATE_LIMITED' as const;
  constructor(readonly retryAfterMs: number) {
    super(`Too many requests; try again in ${retryAfterMs} ms.`);
    this.name = 'RateLimitedError';
  }
}

export interface RequestLimitStats {
  /** Requests that were refused. */
  readonly refused: number;
  /** Requests that were let through uncounted, because Redis was away. */
  readonly uncounted: number;
}

const KEY_PREFIX = 'stockade:rate';
const WINDOW_SECONDS = 1;
const BURST_WINDOW_SECONDS = 10;
/** Of one second's requests, what a process takes at once: few round trips, and little that lies idle. */
const ALLOTMENTS_IN_WINDOW = 20;
const COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_PAUSE_MAX_MS = 1_000;
/** After a failure Redis is not asked for so long, so that not every request waits for its silence. */
const AWAY_PAUSE_MS = 1_000;
/** Principals and addresses that are kept in mind at once; who has been here longest is forgotten first. */
const BUDGETS_MAX = 10_000;

/** What one principal may still send from this process. */
interface Budget {
  left: number;
  /** The allotment is of one window and ends with it; on the monotonic clock, in milliseconds. */
  leftUntilMs: number;
  refusedUntilMs: number;
  waiting: number;
  refill: Promise<'answered' | 'away'> | null;
}

export class RequestLimit {
  private readonly redis: Redis;
  private readonly sustained: RateLimiterRedis;
  private readonly burst: RateLimiterRedis | null;
  private readonly budgets = new Map<string, Budget>();
  private awayUntilMs = -Infinity;
  private away = false;
  private refused = 0;
  private uncounted = 0;

  constructor(private readonly settings: RequestLimitSettings) {
    this.redis = new Redis(settings.redisUrl, {
      connectionName: 'stockade-rate-limit',
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      retryStrategy: (times) => Math.min(RETRY_PAUSE_MAX_MS, 50 * 2 ** Math.min(times, 10)),
    });
    // What fails is told where it was needed.
    this.redis.on('error', () => undefined);
    const shared = { storeClient: this.redis, rejectIfRedisNotReady: true };
    this.sustained = new RateLimiterRedis({
      ...shared,
      keyPrefix: `${KEY_PREFIX}:second`,
      points: settings.perSecond,
      duration: WINDOW_SECONDS,
    });
    this.burst =
      settings.burst === 0
        ? null
        : new RateLimiterRedis({
            ...shared,
            keyPrefix: `${KEY_PREFIX}:burst`,
            points: settings.burst,
            duration: BURST_WINDOW_SECONDS,
          });
  }

  /** Connects, and from then on reconnects by itself. Resolves also where Redis is away. */
  async start(): Promise<void> {
    await this.redis.connect().catch((error: unknown) => {
      this.onAway(error);
    });
  }

  stop(): Promise<void> {
    this.redis.disconnect();
    return Promise.resolve();
  }

  stats(): RequestLimitStats {
    return { refused: this.refused, uncounted: this.uncounted };
  }

  /** Counts one request. @throws RateLimitedError */
  async take(principal: string): Promise<void> {
    const budget = this.budgetOf(principal);
    budget.waiting += 1;
    try {
      while (!this.spend(budget)) {
        if (performance.now() < this.awayUntilMs) {
          this.uncounted += 1;
          return;
        }
        budget.refill ??= this.refill(principal, budget).finally(() => {
          budget.refill = null;
        });
        await budget.refill;
      }
    } finally {
      budget.waiting -= 1;
    }
  }

  /** Whether there was one left. @throws RateLimitedError where there will be none for a while. */
  private spend(budget: Budget): boolean {
    const nowMs = performance.now();
    if (budget.left > 0 && nowMs < budget.leftUntilMs) {
      budget.left -= 1;
      return true;
    }
    if (nowMs >= budget.refusedUntilMs) return false;
    this.refused += 1;
    throw new RateLimitedError(Math.ceil(budget.refusedUntilMs - nowMs));
  }

  private async refill(principal: string, budget: Budget): Promise<'answered' | 'away'> {
    const wanted = Math.max(
      Math.floor(this.settings.perSecond / ALLOTMENTS_IN_WINDOW),
      budget.waiting,
    );
    try {
      const first = await take(this.sustained, principal, wanted);
      const got =
        first.granted === 0 && this.burst ? await take(this.burst, principal, wanted) : first;
      const nowMs = performance.now();
      budget.left = got.granted;
      // A part of the reserve that is not needed in this second is nobody's, as any other allotment.
      budget.leftUntilMs = nowMs + Math.min(got.endsInMs, WINDOW_SECONDS * 1_000);
      if (got.granted === 0) budget.refusedUntilMs = nowMs + Math.max(1, first.endsInMs);
      this.onAnswer();
      return 'answered';
    } catch (error) {
      this.onAway(error);
      return 'away';
    }
  }

  private budgetOf(principal: string): Budget {
    let budget = this.budgets.get(principal);
    if (budget) return budget;
    if (this.budgets.size >= BUDGETS_MAX) {
      for (const [oldest, { waiting }] of this.budgets) {
        if (waiting > 0) continue;
        this.budgets.delete(oldest);
        break;
      }
    }
    budget = { left: 0, leftUntilMs: 0, refusedUntilMs: 0, waiting: 0, refill: null };
    this.budgets.set(principal, budget);
    return budget;
  }

  private onAway(error: unknown): void {
    this.awayUntilMs = performance.now() + AWAY_PAUSE_MS;
    if (this.away) return;
    this.away = true;
    this.settings.log.warn(
      { err: error },
      'Redis cannot be asked how many requests there were: nobody is limited until it can.',
    );
  }

  private onAnswer(): void {
    if (!this.away) return;
    this.away = false;
    this.settings.log.info({}, 'Redis counts the requests again: the limits hold.');
  }
}

/** Takes up to so many from what is left in the window. Rejects where Redis cannot be asked. */
async function take(
  limiter: RateLimiterRedis,
  principal: string,
  wanted: number,
): Promise<{ readonly granted: number; readonly endsInMs: number }> {
  const counted = await limiter.consume(principal, wanted).catch((refusal: unknown) => {
    // It rejects with its count where that is beyond the limit, and with an error where there is none.
    if (refusal instanceof RateLimiterRes) return refusal;
    throw refusal instanceof Error ? refusal : new Error(String(refusal));
  });
  const before = counted.consumedPoints - wanted;
  const granted = Math.min(wanted, Math.max(0, limiter.points - before));
  return { granted, endsInMs: counted.msBeforeNext };
}
