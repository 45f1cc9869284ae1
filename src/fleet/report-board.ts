/**
 * Where the servers of a fleet leave their reports: at one Redis of `REDIS_URL`, under a key for each server, and an
 * index of who has reported when, by the clock of that Redis. Keys and index expire by themselves.
 */
import { hashTagOf, parseRedisUrl, serverOf } from '../redis/address.js';
import { connectByIoredis, type LuaScript, type RedisConnection } from '../redis/connection.js';
import { failureOf, type RedisFailure } from '../redis/failure.js';
import type { Clock, Random } from '../time/clock.js';

const COMMAND_TIMEOUT_MS = 1_000;
/** A silent server is shown as gone for so long. */
const KEPT_MS = 300_000;
/** The most servers that are read: the ones that reported last. */
const SERVERS_MAX = 256;

/** KEYS: the index, the report. ARGV: the server's id, its report, how long it is kept in ms. Returns 1. */
const REPORT: LuaScript = {
  name: 'report',
  source: `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
    redis.call('ZADD', KEYS[1], now, ARGV[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    return 1`,
};

/** KEYS: the index. ARGV: how many servers at most. Returns the ids, each with its silence in ms as a text. */
const READ_INDEX: LuaScript = {
  name: 'read-reports',
  source: `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local found = redis.call('ZRANGE', KEYS[1], -ARGV[1], -1, 'WITHSCORES')
    for at = 2, #found, 2 do found[at] = string.format('%d', math.max(0, now - found[at])) end
    return found`,
};

export interface PostedReport {
  readonly id: string;
  readonly silentMs: number;
  readonly sealed: string;
}

export interface BoardParts {
  /** In one of the forms of src/redis/address.ts. */
  readonly redisUrl: string;
  /** Letters and digits: servers of one database have one name. */
  readonly fleet: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: {
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
  };
}

export class ReportBoard {
  private readonly connection: RedisConnection;
  private readonly index: string;
  private isRefused = false;
  private posting = false;

  constructor(private readonly parts: BoardParts) {
    const { redisUrl, fleet, clock, random } = parts;
    const server = serverOf(parseRedisUrl(redisUrl), 'stockade:fleet');
    this.index = `stockade:fleet:${hashTagOf(server)}${fleet}`;
    this.connection = connectByIoredis(
      { server, name: 'stockade-fleet', commandTimeoutMs: COMMAND_TIMEOUT_MS, clock, random },
      {
        onReady: () => undefined,
        onDown: (failure) => {
          this.failed(failure);
        },
      },
    );
  }

  /** Connects, and from then on reconnects by itself. */
  start(): void {
    this.connection.open();
  }

  /** Where it leads, as in `10.0.0.7:6379`; null while Redis is away. */
  get address(): string | null {
    return this.connection.peer;
  }

  /** Never rejects. A report that meets an unanswered one is left out: the next one follows in a second. */
  async post(id: string, sealed: string): Promise<void> {
    if (this.posting || !this.connection.ready) return;
    this.posting = true;
    try {
      await this.connection.script(REPORT, [this.index, this.keyOf(id)], [id, sealed, KEPT_MS]);
      this.succeeded();
    } catch (error) {
      this.failed(failureOf(error));
    } finally {
      this.posting = false;
    }
  }

  /** The reports of the last minutes; null where Redis is away. */
  async read(): Promise<readonly PostedReport[] | null> {
    if (!this.connection.ready) return null;
    try {
      const found = await this.connection.script(READ_INDEX, [this.index], [SERVERS_MAX]);
      const silentMs = silencesIn(found as readonly string[]);
      const ids = [...silentMs.keys()];
      if (ids.length === 0) return [];
      const texts = await this.connection.command(['mget', ...ids.map((id) => this.keyOf(id))]);
      return ids.flatMap((id, i) => {
        const sealed = (texts as readonly (string | null)[])[i];
        return sealed == null ? [] : [{ id, silentMs: silentMs.get(id) ?? 0, sealed }];
      });
    } catch (error) {
      this.failed(failureOf(error));
      return null;
    }
  }

  /** Takes the report of a server away that has stopped in order, and disconnects. */
  async stop(id: string): Promise<void> {
    if (this.connection.ready) {
      await Promise.allSettled([
        this.connection.command(['zrem', this.index, id]),
        this.connection.command(['del', this.keyOf(id)]),
      ]);
    }
    this.connection.close();
  }

  private keyOf(id: string): string {
    return `${this.index}:${id}`;
  }

  private succeeded(): void {
    if (this.isRefused) this.parts.log.info({}, 'Redis takes reports of the fleet again.');
    this.isRefused = false;
  }

  /** That Redis is away is in the log already, from parts that need it more. */
  private failed({ kind, reason }: RedisFailure): void {
    if (kind === 'away' || this.isRefused) return;
    this.isRefused = true;
    this.parts.log.warn({ reason }, 'Redis refuses the reports of the fleet.');
  }
}

function silencesIn(found: readonly string[]): ReadonlyMap<string, number> {
  const silences = new Map<string, number>();
  for (let at = 0; at + 1 < found.length; at += 2) {
    silences.set(found[at] ?? '', Number(found[at + 1]));
  }
  return silences;
}
