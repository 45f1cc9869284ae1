/**
 * The lock's scripts: read once from `lua/`, with their answers made readable. To acquire and to release are steps: one
 * call carries out many, for as many locks.
 */
import { readFileSync } from 'node:fs';
import type { LuaScript } from '../redis/connection.js';
import { LIMITS, tokensMax, type Settings } from './settings.js';

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
  /** The server's clock when it was told this, in microseconds. */
  readonly atUs: number;
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
  readonly script: LuaScript;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly read: (reply: unknown) => T;
}

/** One thing to be done to one lock. */
export interface Step<T> {
  readonly key: string;
  readonly kind: 'queue' | 'try' | 'release' | 'requeue';
  readonly ticket: string;
  /** How many fencing tokens to reserve. */
  readonly tokens: number;
  /** The ticket to queue in the same step as the other one is given up. */
  readonly again?: string | undefined;
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
  private readonly stepsScript: LuaScript;
  private readonly renewScript: LuaScript;

  constructor(settings: Settings) {
    const preamble =
      'local TTL_MS, CLAIM_TTL_MS, CLAIM_TOKENS, COUNTER_TTL_MS = ' +
      `'${settings.ttlMs}', '${settings.claimTtlMs}', '${tokensMax(settings)}', '${LIMITS.fenceTtlMs}'`;
    const files = ['hand-over.lua', 'acquire.lua', 'release.lua', 'steps.lua'];
    this.stepsScript = load('steps', preamble, ...files);
    this.renewScript = load('renew', preamble, 'renew.lua');
  }

  /** For each step its reply, in their order, or the error that ended it: the others are carried out. */
  carryOut(steps: readonly Step<unknown>[]): ScriptCall<readonly unknown[]> {
    const args: string[] = [];
    for (const { kind, ticket, tokens, again } of steps) {
      args.push(kind, ticket);
      if (kind !== 'release') args.push(String(tokens));
      if (again !== undefined) args.push(again);
    }
    return {
      script: this.stepsScript,
      keys: steps.map(({ key }) => key),
      args,
      read: (reply) => reply as readonly unknown[],
    };
  }

  /** For each lock whether it is still the ticket's. */
  renew(
    locks: readonly { readonly key: string; readonly ticket: string }[],
  ): ScriptCall<readonly boolean[]> {
    return {
      script: this.renewScript,
      keys: locks.map(({ key }) => key),
      args: locks.map(({ ticket }) => ticket),
      read: (reply) => (reply as unknown[]).map((renewed) => renewed === 1),
    };
  }
}

export function acquireStep(key: string, request: AcquireRequest): Step<Answer> {
  const { ticket, tokens, queue } = request;
  return { key, kind: queue ? 'queue' : 'try', ticket, tokens, read: readAnswer };
}

/** Gives up the ticket, and queues another of ours in the same step where one is given. */
export function releaseStep(
  key: string,
  ticket: string,
  again?: { readonly ticket: string; readonly tokens: number },
): Step<ReleaseAnswer> {
  const read = readReleaseAnswer;
  if (!again) return { key, kind: 'release', ticket, tokens: 0, read };
  return { key, kind: 'requeue', ticket, tokens: again.tokens, again: again.ticket, read };
}

/** A lock was handed to a ticket of this process. */
export interface Grant {
  readonly key: string;
  readonly ticket: string;
  /** The server's clock when it was handed over, in microseconds. */
  readonly atUs: number;
  readonly firstToken: number;
}

/** Reads what hand-over.lua publishes. */
export function readGrant(message: string): Grant {
  const [ticket = '', atUs, firstToken, ...key] = message.split(' ');
  return { key: key.join(' '), ticket, atUs: Number(atUs), firstToken: Number(firstToken) };
}

/** The plain cases come as plain values, because both sides spend less on them than on a list. */
function readAnswer(reply: unknown): Answer {
  if (typeof reply === 'string') {
    return { skipped: 0, standing: { kind: 'yours', firstToken: Number(reply) } };
  }
  const parts = reply as [number, number, ...unknown[]];
  return { skipped: parts[0], standing: readStanding(parts) };
}

const FREED: ReleaseAnswer = { skipped: 0, standing: { kind: 'free' }, mine: true };

function readReleaseAnswer(reply: unknown): ReleaseAnswer {
  if (reply === 1) return FREED;
  const parts = reply as [number, number, ...unknown[]];
  return { skipped: parts[0], standing: readStanding(parts), mine: parts.at(-1) === 1 };
}

function readStanding(parts: readonly [number, number, ...unknown[]]): Standing {
  if (parts[1] === 0) return { kind: 'free' };
  if (parts[1] === 1) return { kind: 'yours', firstToken: Number(parts[2]) };
  const [, , holder, remainingMs, position, atUs] = parts as [
    ...[number, number],
    ...[string, number, number, string],
  ];
  return { kind: 'theirs', holder, remainingMs, position, atUs: Number(atUs) };
}

function load(name: string, preamble: string, ...names: readonly string[]): LuaScript {
  const files = names.map((name) => new URL(`./lua/${name}`, import.meta.url));
  const source = [preamble, ...files.map((file) => readFileSync(file, 'utf8'))].join('\n');
  return { name, source };
}
