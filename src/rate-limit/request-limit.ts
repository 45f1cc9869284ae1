/**
 * The rate limit of a principal across all processes: units per second, and a reserve for bursts. A request weighs one
 * unit, one with several lines a unit for each.
 *
 * Redis keeps the count but is not asked for each request. A process takes an allotment for a principal, spends it
 * locally, and takes the next one; a principal that is refused is refused locally until its window ends. Allotments
 * that are not spent make the limit a little stricter, never looser. While Redis is away no request is limited,
 * so that an outage of Redis does not stop sales.
 *
 * A request is admitted while its principal has anything left, and counts in full: what it takes beyond the rest makes
 * the window longer by as much. So the rate holds on average, and no request is too heavy to be admitted.
 */
import { LRUCache } from 'lru-cache';
import {
  parseRedisUrl,
  serverOf,
  type RedisServerAddress,
  type RedisServers,
} from '../redis/address.js';
import type { Clock } from '../time/clock.js';
import { CountingRedis, type CountingRedisParts } from './counting-redis.js';

export interface RequestLimitSettings extends CountingRedisParts {
  /** In one of the forms of src/redis/address.ts; of several servers each principal is counted at one. */
  readonly redisUrl: string;
  /** Units of one principal in one second. */
  readonly perSecond: number;
  /** Units beyond that in any ten seconds; 0 for none. */
  readonly burst: number;
}

/** The principal has exceeded its rate, or another bound in time. The request was not carried out. */
export class RateLimitedError extends Error {
  readonly code = 'RATE_LIMITED' as const;
  constructor(
    readonly retryAfterMs: number,
    message = `Too many requests; try again in ${retryAfterMs} ms.`,
  ) {
    super(message);
    this.name = 'RateLimitedError';
  }
}

export interface RequestLimitStats {
  /** Requests that were refused. */
  readonly refused: number;
  /** Requests that were let through, in whole or in part, uncounted, because Redis was away. */
  readonly uncounted: number;
}

interface Window {
  readonly name: 'second' | 'burst';
  readonly points: number;
  readonly lastsMs: number;
}

const WINDOW_MS = 1_000;
const BURST_WINDOW_MS = 10_000;
/** The part of one second's units in an allotment: few round trips, and few unspent units. */
const ALLOTMENTS_IN_WINDOW = 20;
/** The most principals and addresses that are kept; the least recently used is dropped first. */
const BUDGETS_MAX = 10_000;

/** A request that waits for an answer of Redis. */
interface Waiter {
  readonly weight: number;
  readonly resolve: () => void;
  readonly reject: (error: RateLimitedError) => void;
}

/** The units that one principal may still spend through this process. */
interface Budget {
  left: number;
  /** The end of the allotment's window, on the monotonic clock in milliseconds. */
  leftUntilMs: number;
  refusedUntilMs: number;
  /** In the order of their arrival: a heavy request is not overtaken by light ones. */
  waiting: Waiter[];
}

export class RequestLimit {
  private readonly servers: RedisServers;
  private readonly redises: ReadonlyMap<RedisServerAddress, CountingRedis>;
  private readonly sustained: Window;
  private readonly burst: Window | null;
  private readonly budgets = new LRUCache<string, Budget>({ max: BUDGETS_MAX });
  private readonly clock: Clock;
  private refused = 0;
  private uncounted = 0;

  constructor(private readonly settings: RequestLimitSettings) {
    const { redisUrl, perSecond, burst, clock } = settings;
    this.clock = clock;
    this.servers = parseRedisUrl(redisUrl);
    this.redises = new Map(
      this.servers.map((server) => [server, new CountingRedis(server, settings)]),
    );
    this.sustained = {
      name: 'second',
      points: perSecond,
      lastsMs: WINDOW_MS,
    };
    this.burst = burst === 0 ? null : { name: 'burst', points: burst, lastsMs: BURST_WINDOW_MS };
  }

  /** Connects, and from then on reconnects by itself. Resolves also where Redis is away. */
  async start(): Promise<void> {
    await Promise.all([...this.redises.values()].map((redis) => redis.start()));
  }

  stop(): Promise<void> {
    for (const redis of this.redises.values()) redis.stop();
    return Promise.resolve();
  }

  /** False while a Redis that should count is away. */
  get isCounting(): boolean {
    return [...this.redises.values()].every(({ isAway }) => !isAway);
  }

  stats(): RequestLimitStats {
    return { refused: this.refused, uncounted: this.uncounted };
  }

  /** Counts so many units. @throws RateLimitedError: nothing was counted. */
  async take(principal: string, weight = 1): Promise<void> {
    const budget = this.budgetOf(principal);
    const nowMs = this.clock.nowMs();
    if (budget.waiting.length === 0) {
      const left = leftOf(budget, nowMs);
      if (left >= weight) {
        budget.left = left - weight;
        return;
      }
      if (nowMs < budget.refusedUntilMs) throw this.refusalUntil(budget.refusedUntilMs);
    }
    if (this.redisOf(principal).rests) {
      this.uncounted += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      budget.waiting.push({ weight, resolve, reject });
      if (budget.waiting.length === 1) void this.serve(principal, budget);
    });
  }

  /** Asks Redis until no request of the principal waits. */
  private async serve(principal: string, budget: Budget): Promise<void> {
    for (let [first] = budget.waiting; first; [first] = budget.waiting) {
      try {
        await this.refill(principal, budget, first.weight);
        this.redisOf(principal).onAnswer();
      } catch (error) {
        this.redisOf(principal).onError(error);
        for (const { resolve } of budget.waiting.splice(0)) {
          this.uncounted += 1;
          resolve();
        }
        return;
      }
      this.answerWaiting(budget);
    }
  }

  /**
   * Adds to the budget. Its first request gets what it weighs, or nothing is left of any window.
   *
   * @throws the error of Redis.
   */
  private async refill(principal: string, budget: Budget, weight: number): Promise<void> {
    const askedMs = this.clock.nowMs();
    const left = leftOf(budget, askedMs);
    const waiting = budget.waiting.reduce((sum, waiter) => sum + waiter.weight, 0);
    const allotment = Math.floor(this.settings.perSecond / ALLOTMENTS_IN_WINDOW);
    const wanted = Math.max(allotment, waiting) - left;
    const second = await this.count(this.sustained, principal, wanted);
    let got = left + second.granted;
    // From the time of the question: an answer that comes late does not make the window longer. An allotment from the
    // reserve expires after a second as any other.
    let endsMs = Math.min(second.endsInMs, WINDOW_MS);
    if (got < weight && this.burst) {
      const reserve = await this.count(this.burst, principal, wanted - second.granted);
      got += reserve.granted;
      if (reserve.granted > 0) endsMs = Math.min(reserve.endsInMs, WINDOW_MS);
    }
    let refusedForMs = got === 0 ? second.endsInMs : 0;
    if (got > 0 && got < weight) {
      const overdrawn = await this.count(this.sustained, principal, weight - got, 'OVERDRAW');
      got = weight;
      refusedForMs = overdrawn.endsInMs;
    }
    budget.left = got;
    budget.leftUntilMs = askedMs + endsMs;
    if (refusedForMs > 0) budget.refusedUntilMs = this.clock.nowMs() + refusedForMs;
  }

  /** What was counted for requests that wait is theirs, even where its window has ended meanwhile. */
  private answerWaiting(budget: Budget): void {
    const { waiting } = budget;
    const isRefused = budget.left === 0;
    while (waiting[0] && waiting[0].weight <= budget.left) {
      const { weight, resolve } = waiting[0];
      budget.left -= weight;
      waiting.shift();
      resolve();
    }
    if (!isRefused) return;
    for (const { reject } of waiting.splice(0)) reject(this.refusalUntil(budget.refusedUntilMs));
  }

  private refusalUntil(endMs: number): RateLimitedError {
    this.refused += 1;
    return new RateLimitedError(Math.max(1, Math.ceil(endMs - this.clock.nowMs())));
  }

  private budgetOf(principal: string): Budget {
    let budget = this.budgets.get(principal);
    if (budget) return budget;
    budget = { left: 0, leftUntilMs: 0, refusedUntilMs: 0, waiting: [] };
    this.budgets.set(principal, budget);
    return budget;
  }

  /** Takes up to `wanted` from the rest of the window, or all of it beyond the rest. @throws the error of Redis. */
  private async count(
    { name, points, lastsMs }: Window,
    principal: string,
    wanted: number,
    how?: 'OVERDRAW',
  ): Promise<{ readonly granted: number; readonly endsInMs: number }> {
    const overdraws = how === 'OVERDRAW' ? 1 : 0;
    const redis = this.redisOf(principal);
    const reply = await redis.count(`${name}:${principal}`, [wanted, points, lastsMs, overdraws]);
    const [granted, endsInMs] = reply as [number, number];
    return { granted, endsInMs: Math.max(1, endsInMs) };
  }

  private redisOf(principal: string): CountingRedis {
    const redis = this.redises.get(serverOf(this.servers, principal));
    if (!redis) throw new Error('A server without its connection: a bug.');
    return redis;
  }
}

function leftOf({ left, leftUntilMs }: Budget, nowMs: number): number {
  return nowMs < leftUntilMs ? left : 0;
}
