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

export interface ScriptCall<T> {
  readonly script: Script;
  readonly keyCount: number;
  /** The keys first. */
  readonly args: readonly (string | number)[];
  readonly read: (reply: unknown) => T;
}

export interface AcquireRequest {
  readonly ticket: string;
  /** How many fencing tokens to reserve. */
  readonly tokens: number;
  /** Whether the ticket is queued where it can't have the lock at once. */
  readonly queue: boolean;
}

export class LockScripts {
  private readonly acquireScript = load('hand-over.lua', 'acquire.lua');
  private readonly releaseScript = load('hand-over.lua', 'release.lua');
  private readonly renewScript = load('renew.lua');

  constructor(private readonly settings: Settings) {}

  acquire(key: string, { ticket, tokens, queue }: AcquireRequest): ScriptCall<Answer> {
    const { ttlMs, claimTtlMs } = this.settings;
    const keys = [key, queueOf(key), fenceOf(key)];
    return {
      script: this.acquireScript,
      keyCount: 3,
      args: [...keys, ticket, ttlMs, tokens, queue ? 1 : 0, claimTtlMs, LIMITS.fenceTtlMs],
      read: readAnswer,
    };
  }

  /** Gives up the ticket, and queues another of ours in the same step where one is given. */
  release(
    key: string,
    ticket: string,
    again?: { readonly ticket: string; readonly tokens: number },
  ): ScriptCall<ReleaseAnswer> {
    const { ttlMs, claimTtlMs } = this.settings;
    const keys = [key, queueOf(key), fenceOf(key)];
    const args = [...keys, ticket, ttlMs, claimTtlMs, LIMITS.fenceTtlMs];
    if (again) args.push(again.ticket, again.tokens);
    return { script: this.releaseScript, keyCount: 3, args, read: readReleaseAnswer };
  }

  /** For each lock whether it is still the ticket's. */
  renew(
    locks: readonly { readonly key: string; readonly ticket: string }[],
  ): ScriptCall<readonly boolean[]> {
    const keys = locks.map(({ key }) => key);
    const tickets = locks.map(({ ticket }) => ticket);
    return {
      script: this.renewScript,
      keyCount: keys.length,
      args: [...keys, this.settings.ttlMs, ...tickets],
      read: (reply) => (reply as unknown[]).map((renewed) => renewed === 1),
    };
  }
}

/** Suffixes, so that the hash tag in the lock's own key keeps all three in one slot. */
function queueOf(key: string): string {
  return `${key}:queue`;
}

function fenceOf(key: string): string {
  return `${key}:fence`;
}

function readAnswer(reply: unknown): Answer {
  const parts = reply as [number, number, ...unknown[]];
  return { skipped: parts[0], standing: readStanding(parts) };
}

function readReleaseAnswer(reply: unknown): ReleaseAnswer {
  const parts = reply as [number, number, ...unknown[]];
  return { skipped: parts[0], standing: readStanding(parts), mine: parts.at(-1) === 1 };
}

function readStanding(parts: readonly [number, number, ...unknown[]]): Standing {
  if (parts[1] === 0) return { kind: 'free' };
  if (parts[1] === 1) return { kind: 'yours', firstToken: Number(parts[2]) };
  const [, , holder, remainingMs, position] = parts as [number, number, string, number, number];
  return { kind: 'theirs', holder, remainingMs, position };
}

function load(...names: readonly string[]): Script {
  const files = names.map((name) => new URL(`./lua/${name}`, import.meta.url));
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
