/**
 * The lock's scripts: read once from `lua/`, called by their digest, with their answers made readable.
 *
 * A Redis that was restarted or flushed has forgotten the scripts. It says so without having done anything, so the call
 * is simply repeated with the whole text.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LIMITS, type Settings } from './settings.js';

export interface Script {
  readonly sha: string;
  readonly text: string;
}

/** Sends a script to Redis: the keys first, then the other arguments. */
export type ScriptCall = (
  script: Script,
  keyCount: number,
  args: readonly (string | number)[],
) => Promise<unknown>;

/** How a ticket stands: the lock is free, it is the ticket's, or another's. */
export type Standing =
  { readonly kind: 'free' } | { readonly kind: 'yours'; readonly firstToken: number } | Behindhand;

export interface Behindhand {
  readonly kind: 'theirs';
  readonly holder: string;
  /** -1 for a lock that never expires. */
  readonly remainingMs: number;
  /** Processes in front in the queue. */
  readonly position: number;
}

export interface Answer {
  readonly standing: Standing;
  /** Dead processes that were passed over. */
  readonly skipped: number;
}

export interface ReleaseAnswer extends Answer {
  /** Whether the ticket that was given up had the lock. */
  readonly mine: boolean;
}

export class LockScripts {
  private readonly acquireScript = load('hand-over.lua', 'acquire.lua');
  private readonly releaseScript = load('hand-over.lua', 'release.lua');
  private readonly renewScript = load('renew.lua');

  constructor(private readonly settings: Settings) {}

  /** Takes the lock for the ticket and reserves so many fencing tokens, or queues the ticket unless told only to try. */
  async acquire(
    call: ScriptCall,
    key: string,
    ticket: string,
    options: { readonly tokens: number; readonly queue: boolean },
  ): Promise<Answer> {
    const { ttlMs, claimTtlMs } = this.settings;
    const args = [
      ...keysOf(key),
      ticket,
      ttlMs,
      options.tokens,
      options.queue ? 1 : 0,
      claimTtlMs,
      LIMITS.fenceTtlMs,
    ];
    return readAnswer(await call(this.acquireScript, 3, args));
  }

  /** Gives up the ticket, and queues another of ours in the same step where one is given. */
  async release(
    call: ScriptCall,
    key: string,
    ticket: string,
    again?: { readonly ticket: string; readonly tokens: number },
  ): Promise<ReleaseAnswer> {
    const { ttlMs, claimTtlMs } = this.settings;
    const args = [...keysOf(key), ticket, ttlMs, claimTtlMs, LIMITS.fenceTtlMs];
    if (again) args.push(again.ticket, again.tokens);
    const reply = (await call(this.releaseScript, 3, args)) as unknown[];
    return { ...readAnswer(reply), mine: reply.at(-1) === 1 };
  }

  /** For each lock whether it is still the ticket's. */
  async renew(
    call: ScriptCall,
    locks: readonly { readonly key: string; readonly ticket: string }[],
  ): Promise<readonly boolean[]> {
    const keys = locks.map(({ key }) => key);
    const tickets = locks.map(({ ticket }) => ticket);
    const args = [...keys, this.settings.ttlMs, ...tickets];
    const reply = (await call(this.renewScript, keys.length, args)) as unknown[];
    return reply.map((renewed) => renewed === 1);
  }
}

/** Suffixes, so that the hash tag in the lock's own key keeps all of them in one slot. */
function keysOf(key: string): (string | number)[] {
  return [key, `${key}:queue`, `${key}:fence`];
}

function readAnswer(reply: unknown): Answer {
  const [skipped, state, ...rest] = reply as [number, number, ...unknown[]];
  return { skipped, standing: readStanding(state, rest) };
}

function readStanding(state: number, rest: readonly unknown[]): Standing {
  if (state === 0) return { kind: 'free' };
  if (state === 1) return { kind: 'yours', firstToken: Number(rest[0]) };
  const [holder, remainingMs, position] = rest as [string, number, number];
  return { kind: 'theirs', holder, remainingMs, position };
}

function load(...names: readonly string[]): Script {
  const files = names.map((name) => new URL(`./lua/${name}`, import.meta.url));
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
