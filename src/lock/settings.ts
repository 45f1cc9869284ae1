/** The service's settings: every wait, queue and number of passes has a bound, named and defaulted here. */
import type { Clock, Random } from '../time/clock.js';
import type { Connect } from '../redis/connection.js';
import type { LockLog } from './lock-service.js';

export interface RedisLockSettings {
  /** As in `redis://user:password@host:6379/0`. */
  readonly url: string;
  /** How long a holder that has died keeps others out. Renewed at a third of it. */
  readonly ttlMs?: number | undefined;
  /** After this long without an answer Redis counts as away. */
  readonly commandTimeoutMs?: number | undefined;
  /** Waiters for each key in this process. */
  readonly queueMax?: number | undefined;
  /** How long a lock that was handed to a process may remain unclaimed by it; at most half the time to live. */
  readonly claimTtlMs?: number | undefined;
  /** How many local waiters in a row may have the lock while other processes wait. */
  readonly localPassesMax?: number | undefined;
  /** For how long local waiters may pass the lock on while other processes wait. */
  readonly localTenureMs?: number | undefined;
  /** How its connections are made; by ioredis, unless a simulation makes its own. */
  readonly connect?: Connect | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
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
  /** Whoever was available for so long is tried again quickly after the next failure. */
  stableMs: 5_000,
  /** Waiters do not all come back in the same millisecond. */
  wakeJitterMs: 25,
  /** Without a subscription no grant reaches us, so we ask this often. */
  deafPollMs: 250,
  /** A fencing counter that nobody used for so long is dropped; the server's clock is its floor from then on. */
  fenceTtlMs: 86_400_000,
  /** Locks renewed by one call. */
  renewalChunkMax: 500,
  /** Steps, each on one lock, that one call carries out. */
  stepsMax: 256,
  /** Tokens of uncertain fate that are remembered until Redis is back. */
  doubtsMax: 10_000,
});

export type Settings = Readonly<{ url: string } & Record<keyof typeof DEFAULTS, number>>;

/** @throws RangeError that names the setting, what was expected and what was got. */
export function readSettings(given: RedisLockSettings): Settings {
  const settings = {
    url: given.url,
    ttlMs: given.ttlMs ?? DEFAULTS.ttlMs,
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
      throw new RangeError(`${name} must be a whole number from 1, got ${value}.`);
    }
  }
  if (!(settings.localTenureMs >= 0)) {
    throw new RangeError(`localTenureMs must be a number from 0, got ${settings.localTenureMs}.`);
  }
  // A claim that outlives a renewed lock could not be told from it.
  const claimTtlMs = Math.min(settings.claimTtlMs, Math.ceil(settings.ttlMs / 2));
  return Object.freeze({ ...settings, claimTtlMs });
}

/** The most fencing tokens that one hold can use: one for each turn that may be had under it. */
export function tokensMax({ localPassesMax }: Pick<Settings, 'localPassesMax'>): number {
  return localPassesMax + 1;
}
