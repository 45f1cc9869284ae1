/**
 * The rate limit of a principal across all processes: requests per second, and a reserve for bursts.
 *
 * Redis keeps the count but is not asked for each request. A process takes an allotment for a principal, spends it
 * locally, and takes the next one; a principal that is refused is refused locally until its window ends. Allotments
 * that are not spent make the limit a little stricter, never looser. While Redis is away no request is limited,
 * so that an outage of Redis does not stop sales.
 */
import {
  connectByIoredis,
  FirstNews,
  type LuaScript,
  type RedisConnection,
} from '../redis/connection.js';
import { failureOf } from '../redis/failure.js';
import type { Clock, Random } from '../time/clock.js';
import { LRUCache } from 'lru-cache';

export interface RequestLimitSettings {
  readonly redisUrl: string;
  /** Requests of one principal in one second. */
  readonly perSecond: number;
  /** Requests beyond that in any ten seconds; 0 for none. */
  readonly burst: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: {
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
  };
}

/** The principal has exceeded its rate. The request was not carried out. */
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

interface Window {
  readonly keyPrefix: string;
  readonly points: number;
  readonly lastsMs: number;
}

const WINDOW_MS = 1_000;
const BURST_WINDOW_MS = 10_000;
/** The part of one second's requests in an allotment: few round trips, and few unspent requests. */
const ALLOTMENTS_IN_WINDOW = 20;
const COMMAND_TIMEOUT_MS = 1_000;
/** The pause after a failure of Redis, so that not every request waits for a time-out. */
const AWAY_PAUSE_MS = 1_000;
/** The most principals and addresses that are kept; the least recently used is dropped first. */
const BUDGETS_MAX = 10_000;

/** Counts in a window that begins with its first request. Returns the count, and what is left of the window in ms. */
const COUNT: LuaScript = {
  name: 'count-requests',
  source: `
    redis.call('SET', KEYS[1], '0', 'PX', ARGV[2], 'NX')
    local used = redis.call('INCRBY', KEYS[1], ARGV[1])
    return { used, redis.call('PTTL', KEYS[1]) }`,
};

/** The requests that one principal may still send through this process. */
interface Budget {
  left: number;
  /** The end of the allotment's window, on the monotonic clock in milliseconds. */
  leftUntilMs: number;
  refusedUntilMs: number;
  waiting: number;
  refill: Promise<'answered' | 'away'> | null;
}

export class RequestLimit {
  private readonly redis: RedisConnection;
  private readonly firstNews = new FirstNews();
  private readonly sustained: Window;
  private readonly burst: Window | null;
  private readonly budgets = new LRUCache<string, Budget>({ max: BUDGETS_MAX });
  private readonly clock: Clock;
  private awayUntilMs = -Infinity;
  private away = false;
  private refused = 0;
  private uncounted = 0;

  constructor(private readonly settings: RequestLimitSettings) {
    const { redisUrl, perSecond, burst, clock, random } = settings;
    this.clock = clock;
    this.redis = connectByIoredis(
      {
        url: redisUrl,
        name: 'stockade-rate-limit',
        commandTimeoutMs: COMMAND_TIMEOUT_MS,
        clock,
        random,
      },
      {
        onReady: () => {
          this.firstNews.tell(null);
        },
        onDown: (failure) => {
          this.firstNews.tell(failure);
        },
      },
    );
    this.sustained = {
      keyPrefix: 'stockade:rate:second',
      points: perSecond,
      lastsMs: WINDOW_MS,
    };
    this.burst =
      burst === 0
        ? null
        : { keyPrefix: 'stockade:rate:burst', points: burst, lastsMs: BURST_WINDOW_MS };
  }

  /** Connects, and from then on reconnects by itself. Resolves also where Redis is away. */
  async start(): Promise<void> {
    this.redis.open();
    const failure = await this.firstNews.told;
    if (failure) this.onAway(failure.reason);
  }

  stop(): Promise<void> {
    this.redis.close();
    this.firstNews.tell(null);
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
        if (this.clock.nowMs() < this.awayUntilMs) {
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

  /** Spends one request; false where none is left. @throws RateLimitedError until the window of a refusal has ended. */
  private spend(budget: Budget): boolean {
    const nowMs = this.clock.nowMs();
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
      const first = await this.count(this.sustained, principal, wanted);
      const got =
        first.granted === 0 && this.burst ? await this.count(this.burst, principal, wanted) : first;
      const nowMs = this.clock.nowMs();
      budget.left = got.granted;
      // An allotment from the reserve expires after a second as any other.
      budget.leftUntilMs = nowMs + Math.min(got.endsInMs, WINDOW_MS);
      if (got.granted === 0) budget.refusedUntilMs = nowMs + Math.max(1, first.endsInMs);
      this.onAnswer();
      return 'answered';
    } catch (error) {
      this.onAway(failureOf(error).reason);
      return 'away';
    }
  }

  private budgetOf(principal: string): Budget {
    let budget = this.budgets.get(principal);
    if (budget) return budget;
    budget = { left: 0, leftUntilMs: 0, refusedUntilMs: 0, waiting: 0, refill: null };
    this.budgets.set(principal, budget);
    return budget;
  }

  /** Takes up to `wanted` from the rest of the window. @throws the error of Redis. */
  private async count(
    { keyPrefix, points, lastsMs }: Window,
    principal: string,
    wanted: number,
  ): Promise<{ readonly granted: number; readonly endsInMs: number }> {
    const key = `${keyPrefix}:${principal}`;
    const reply = await this.redis.script(COUNT, [key], [wanted, lastsMs]);
    const [used, endsInMs] = reply as [number, number];
    const before = used - wanted;
    return { granted: Math.min(wanted, Math.max(0, points - before)), endsInMs };
  }

  private onAway(reason: string): void {
    this.awayUntilMs = this.clock.nowMs() + AWAY_PAUSE_MS;
    if (this.away) return;
    this.away = true;
    this.settings.log.warn(
      { reason },
      'Redis cannot count requests: rate limits are off until it can.',
    );
  }

  private onAnswer(): void {
    if (!this.away) return;
    this.away = false;
    this.settings.log.info({}, 'Redis counts requests again: rate limits are on.');
  }
}
