/** One Redis that counts requests, and whether it can: while it is away, no request waits for its time-out. */
import { hashTagOf, type RedisServerAddress } from '../redis/address.js';
import {
  connectByIoredis,
  FirstNews,
  type LuaScript,
  type RedisConnection,
} from '../redis/connection.js';
import { failureOf } from '../redis/failure.js';
import type { Clock, Random } from '../time/clock.js';

export interface CountingRedisParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: {
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
  };
}

const COMMAND_TIMEOUT_MS = 1_000;
/** The pause after a failure of Redis. */
const AWAY_PAUSE_MS = 1_000;

/**
 * Takes units from a window that begins with its first request: as many of ARGV[1] as are left of ARGV[2], or, where
 * ARGV[4] is 1, all of them. Units beyond the window's own make it longer, at the window's rate. A time to live that
 * cannot be, as after a step of the clock of Redis, is set right. Returns the units taken, and what is left of the
 * window in ms.
 */
const COUNT: LuaScript = {
  name: 'count-requests',
  source: `
    redis.call('SET', KEYS[1], '0', 'PX', ARGV[3], 'NX')
    local used = tonumber(redis.call('GET', KEYS[1]))
    local wanted, points, lasts = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local function longer() return math.ceil(math.max(0, used - points) * lasts / points) end
    local granted, before = math.max(0, math.min(wanted, points - used)), longer()
    if ARGV[4] == '1' then granted = wanted end
    if granted > 0 then used = redis.call('INCRBY', KEYS[1], granted) end
    local left, longest = redis.call('PTTL', KEYS[1]), lasts + longer()
    local ends = left + longer() - before
    if left < 0 or ends > longest then ends = longest end
    if ends ~= left then redis.call('PEXPIRE', KEYS[1], ends) end
    return { granted, ends }`,
};

export class CountingRedis {
  private readonly connection: RedisConnection;
  private readonly firstNews = new FirstNews();
  private awayUntilMs = -Infinity;
  private away = false;

  constructor(
    private readonly server: RedisServerAddress,
    private readonly parts: CountingRedisParts,
  ) {
    const { clock, random } = parts;
    this.connection = connectByIoredis(
      { server, name: 'stockade-rate-limit', commandTimeoutMs: COMMAND_TIMEOUT_MS, clock, random },
      {
        onReady: () => {
          this.firstNews.tell(null);
        },
        onDown: (failure) => {
          this.firstNews.tell(failure);
        },
      },
    );
  }

  /** Connects, and from then on reconnects by itself. Resolves also where Redis is away. */
  async start(): Promise<void> {
    this.connection.open();
    const failure = await this.firstNews.told;
    if (failure) this.onAway(failure.reason);
  }

  stop(): void {
    this.connection.close();
    this.firstNews.tell(null);
  }

  /** Whether the last request could not be counted. */
  get isAway(): boolean {
    return this.away;
  }

  /** Whether it has failed a moment ago. */
  get rests(): boolean {
    return this.parts.clock.nowMs() < this.awayUntilMs;
  }

  /** @throws the error of Redis. */
  count(key: string, args: readonly number[]): Promise<unknown> {
    return this.connection.script(COUNT, [`stockade:rate:${hashTagOf(this.server)}${key}`], args);
  }

  onAnswer(): void {
    if (!this.away) return;
    this.away = false;
    this.parts.log.info(this.which(), 'Redis counts requests again: rate limits are on.');
  }

  onError(error: unknown): void {
    this.onAway(failureOf(error).reason);
  }

  private onAway(reason: string): void {
    this.awayUntilMs = this.parts.clock.nowMs() + AWAY_PAUSE_MS;
    if (this.away) return;
    this.away = true;
    this.parts.log.warn(
      { ...this.which(), reason },
      'Redis cannot count requests: rate limits are off until it can.',
    );
  }

  private which(): object {
    return this.server.name === null ? {} : { redis: this.server.name };
  }
}
