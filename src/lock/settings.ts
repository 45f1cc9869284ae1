/** The service's settings and fixed limits: each wait, queue and batch of the lock is bounded by one of them. */
import type { Clock, Random, RandomBytes } from '../time/clock.js';
import type { Connect } from '../redis/connection.js';
import type { LockLog } from './lock-service.js';

export interface RedisLockSettings {
  /** In one of the forms of src/redis/address.ts, as in `redis://user:password@host:6379/0`. */
  readonly url: string;
  /**
   * Time to live of a held lock, in milliseconds: how long a dead holder blocks it. Renewed after a third of it. Where
   * it is a function, it is asked whenever a lock is taken or renewed. Services that share locks may have different
   * values from twice `claimTtlMs` on; below it their claims would differ, which all must agree on. Each
   * value has a script of its own at Redis, so there should be few. Not for RedlockService.
   */
  readonly ttlMs?: number | (() => number) | undefined;
  /** Time for a command, in milliseconds; after it Redis counts as unavailable. */
  readonly commandTimeoutMs?: number | undefined;
  /** The most waiters for each key in this process. */
  readonly queueMax?: number | undefined;
  /** Time to live of a lock that is handed over until it is claimed, in milliseconds; at most half of `ttlMs`. */
  readonly claimTtlMs?: number | undefined;
  /** The most local hand-overs in a row while other processes wait. */
  readonly localPassesMax?: number | undefined;
  /** The longest series of local hand-overs while other processes wait, in milliseconds. */
  readonly localTenureMs?: number | undefined;
  /**
   * Letters and digits that name the processes which may tell each other something, by default all at this Redis.
   * Processes of another fleet are no owners to it: it waits for their locks.
   */
  readonly fleet?: string | undefined;
  /** Makes the connections; ioredis by default. */
  readonly connect?: Connect | undefined;
  readonly clock?: Clock | undefined;
  /** Spreads retries. */
  readonly random?: Random | undefined;
  /** Makes the id of this service, which no other one may have. */
  readonly randomBytes?: RandomBytes | undefined;
  readonly log?: LockLog | undefined;
}

export const DEFAULTS = Object.freeze({
  ttlMs: 5_000,
  commandTimeoutMs: 300,
  queueMax: 10_000,
  claimTtlMs: 500,
  localPassesMax: 64,
  localTenureMs: 100,
});

export const LIMITS = Object.freeze({
  /** After this long without a failure the pauses between retries start from the shortest again. */
  stableMs: 5_000,
  /** Spreads the waiters of several processes that would ask Redis at the same time. */
  wakeJitterMs: 25,
  /** How often waiters ask Redis while the inbox is not subscribed. */
  deafPollMs: 250,
  /** Time to live of an unused fencing counter; the server's clock is the floor of its successor. */
  fenceTtlMs: 86_400_000,
  /** The most locks renewed by one command. */
  renewalChunkMax: 500,
  /** The most steps, each on one lock, in one command. */
  stepsMax: 256,
  /** The most tickets of unknown fate that are kept until Redis is back. */
  doubtsMax: 10_000,
});

export type Settings = Readonly<Record<keyof typeof DEFAULTS, number>>;

/** @throws RangeError that names the setting, what was expected and what was got. */
export function readSettings(given: Partial<RedisLockSettings>): Settings {
  const { ttlMs: ttl = DEFAULTS.ttlMs } = given;
  const ttlMs = typeof ttl === 'function' ? ttl : () => ttl;
  const settings = {
    ttlMs: ttlMs(),
    commandTimeoutMs: given.commandTimeoutMs ?? DEFAULTS.commandTimeoutMs,
    queueMax: given.queueMax ?? DEFAULTS.queueMax,
    claimTtlMs: given.claimTtlMs ?? DEFAULTS.claimTtlMs,
    localPassesMax: given.localPassesMax ?? DEFAULTS.localPassesMax,
    localTenureMs: given.localTenureMs ?? DEFAULTS.localTenureMs,
  };
  const wholeFrom1 = [
    'ttlMs',
    'commandTimeoutMs',
    'queueMax',
    'claimTtlMs',
    'localPassesMax',
  ] as const;
  for (const name of wholeFrom1) {
    const value = settings[name];
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a whole number from 1; got ${value}.`);
    }
  }
  if (!(settings.localTenureMs >= 0)) {
    throw new RangeError(`localTenureMs must be a number from 0; got ${settings.localTenureMs}.`);
  }
  // HandOvers takes a lock with a longer remaining time for a claimed one.
  const claimTtlMs = Math.min(settings.claimTtlMs, Math.ceil(settings.ttlMs / 2));
  return Object.freeze({
    ...settings,
    claimTtlMs,
    get ttlMs() {
      return ttlMs();
    },
  });
}

/** The most fencing tokens that one hold uses: one for each lease under it. */
export function tokensMax({ localPassesMax }: Pick<Settings, 'localPassesMax'>): number {
  return localPassesMax + 1;
}
