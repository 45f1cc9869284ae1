/**
 * What an error of Redis or of its connection means. Only the reasons written here leave this file, because the errors
 * themselves carry addresses and the arguments of AUTH.
 */

export interface RedisFailure {
  /**
   * `refused`: the settings or permissions are wrong, and retrying does not help. `away`: Redis cannot serve now.
   * `unusable-key`: only this key cannot be used.
   */
  readonly kind: 'refused' | 'away' | 'unusable-key';
  readonly reason: string;
  /** A new connection may lead to a server that can serve; this one never will. */
  readonly reconnect?: boolean;
}

export function failureOf(error: unknown): RedisFailure {
  const { message = '', code } = error as { readonly message?: string; readonly code?: unknown };
  const known = KNOWN.find(({ pattern }) => pattern.test(message));
  if (known) return known.failure;
  if (typeof code === 'string') return away(`no connection to Redis (${code})`);
  const unforeseen = /^ERR (.*?)(?: script: |$)/.exec(message)?.[1];
  if (unforeseen !== undefined) return away(`Redis answers with an error: ${unforeseen}`);
  const word = /^[A-Z]{2,}(?= )/.exec(message)?.[0];
  if (word !== undefined) return away(`Redis answers with the error ${word}`);
  return LOST;
}

function away(reason: string): RedisFailure {
  return { kind: 'away', reason };
}

export function refused(reason: string): RedisFailure {
  return { kind: 'refused', reason };
}

function unusableKey(reason: string): RedisFailure {
  return { kind: 'unusable-key', reason };
}

export const LOST = away('the connection to Redis is lost');

export const REPLICA: RedisFailure = { ...away('Redis is a read-only replica'), reconnect: true };

/** Another node of the cluster has the slot. */
export const MOVED: RedisFailure = {
  ...away('the slot has another master'),
  reconnect: true,
};

/** Thrown by the search for a slot's master; `KNOWN` has its meaning. */
export const NO_MASTER = 'No node of the cluster names a master of the slot';

const KNOWN: readonly { readonly pattern: RegExp; readonly failure: RedisFailure }[] = [
  { pattern: /^WRONGPASS/, failure: refused('Redis refuses the password') },
  { pattern: /^NOAUTH/, failure: refused('Redis wants a password') },
  {
    pattern: /DB index is out of range|invalid DB index/i,
    failure: refused('Redis has no such database'),
  },
  {
    pattern: /^WRONGTYPE/,
    failure: unusableKey('something that is no lock has its key, or one with its suffixes'),
  },
  {
    pattern: /^NOPERM .*\bkeys?\b|can't access at least one of the keys/,
    failure: unusableKey('the Redis user may not touch its key'),
  },
  {
    pattern: /^NOPERM .*\bchannels?\b/,
    failure: refused('the Redis user may not use the channels lock:inbox:*'),
  },
  {
    pattern: /^NOPERM/,
    failure: refused('the Redis user may not run a command that the lock needs'),
  },
  { pattern: /^READONLY/, failure: REPLICA },
  {
    // An old primary that has lost its replicas, and may have lost its role: `min-replicas-to-write`.
    pattern: /^NOREPLICAS/,
    failure: { ...away('Redis has too few replicas to write'), reconnect: true },
  },
  {
    pattern: /^All sentinels .*(NOAUTH|WRONGPASS|NOPERM)/,
    failure: refused('the Redis Sentinels refuse the user or the password'),
  },
  { pattern: /^All sentinels /, failure: away('no Redis Sentinel names a primary') },
  { pattern: /^MOVED /, failure: MOVED },
  {
    // Some of its keys are here, others there: as long as it moves, no script can rely on either node.
    pattern: /^(ASK|TRYAGAIN) /,
    failure: away('the slot is moving to another master of the Redis Cluster'),
  },
  {
    pattern: /^CLUSTERDOWN/,
    failure: { ...away('the Redis Cluster does not serve the slot'), reconnect: true },
  },
  {
    pattern: /cluster support disabled/,
    failure: refused('it is no Redis Cluster; REDIS_URL must be redis://host:6379'),
  },
  {
    pattern: new RegExp(`^${NO_MASTER}`),
    failure: away('no node of the Redis Cluster names a master of the slot'),
  },
  { pattern: /^OOM/, failure: away('the memory of Redis is full') },
  { pattern: /^LOADING/, failure: away('Redis is loading its data') },
];
