/**
 * The lock's scripts, read once from `lua/`, and the parsers of their replies. Acquiring and releasing are steps: one
 * command carries out many, each on one lock.
 */
import { readFileSync } from 'node:fs';
import type { LuaScript } from '../redis/connection.js';
import { LIMITS, tokensMax, type Settings } from './settings.js';

/** The lock after a step: free, held by the step's ticket, or held by another. */
export type Standing =
  { readonly kind: 'free' } | { readonly kind: 'yours'; readonly firstToken: number } | Behindhand;

export interface Behindhand {
  readonly kind: 'theirs';
  readonly holder: string;
  /** -1 for a lock that never expires. */
  readonly remainingMs: number;
  /** Processes ahead in the queue. */
  readonly position: number;
  /** The server's clock at the time of the answer, in microseconds. */
  readonly atUs: number;
}

export interface Answer {
  readonly standing: Standing;
  /** Processes that were skipped because they no longer listen. */
  readonly skipped: number;
}

export interface ReleaseAnswer extends Answer {
  /** Whether the released ticket held the lock. */
  readonly mine: boolean;
}

export interface ScriptCall<T> {
  readonly script: LuaScript;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly read: (reply: unknown) => T;
}

/** One operation on one lock. */
export interface Step<T> {
  readonly key: string;
  readonly kind: AcquireKind | 'release' | 'requeue' | 'tell';
  readonly ticket: string;
  /** How many fencing tokens to reserve. */
  readonly tokens: number;
  /** What to tell the ticket's process. */
  readonly text?: string | undefined;
  /** The ticket to queue in the same step. */
  readonly again?: string | undefined;
  readonly read: (reply: unknown) => T;
}

/** What happens where the lock is not free: the ticket is queued, or not, or only where no owner holds the lock. */
export type AcquireKind = 'queue' | 'try' | 'own';

export interface AcquireRequest {
  readonly ticket: string;
  /** How many fencing tokens to reserve. */
  readonly tokens: number;
  readonly kind: AcquireKind;
}

export class LockScripts {
  private scripts: { readonly ttlMs: number; readonly steps: LuaScript; readonly renew: LuaScript };

  /** What stands before each key at Redis. */
  private readonly keyPrefix: string;

  /** @param hashTag of a shard, as in `{556}:`; empty where there is no cluster. */
  constructor(
    private readonly settings: Settings,
    private readonly hashTag = '',
  ) {
    this.keyPrefix = hashTag === '' ? '' : `lock:${hashTag}`;
    this.scripts = this.load();
  }

  /** With the time to live of now. */
  private current(): typeof this.scripts {
    if (this.scripts.ttlMs !== this.settings.ttlMs) this.scripts = this.load();
    return this.scripts;
  }

  private load(): typeof this.scripts {
    const { settings, hashTag } = this;
    const { ttlMs } = settings;
    const preamble =
      'local TTL_MS, CLAIM_TTL_MS, CLAIM_TOKENS, COUNTER_TTL_MS = ' +
      `'${ttlMs}', '${settings.claimTtlMs}', '${tokensMax(settings)}', '${LIMITS.fenceTtlMs}'\n` +
      `local HASH_TAG = '${hashTag}'`;
    const files = ['hand-over.lua', 'acquire.lua', 'release.lua', 'steps.lua'];
    const steps = load('steps', preamble, ...files);
    return { ttlMs, steps, renew: load('renew', preamble, 'renew.lua') };
  }

  /** The reply has one entry for each step, in order: its result, or the error that ended this step alone. */
  carryOut(steps: readonly Step<unknown>[]): ScriptCall<readonly unknown[]> {
    const args: string[] = [];
    for (const { kind, ticket, tokens, again, text } of steps) {
      args.push(kind, ticket);
      if (kind !== 'release') args.push(text ?? String(tokens));
      if (again !== undefined) args.push(again);
    }
    return {
      script: this.current().steps,
      keys: steps.map(({ key }) => this.keyPrefix + key),
      args,
      read: (reply) => reply as readonly unknown[],
    };
  }

  renew(
    locks: readonly { readonly key: string; readonly ticket: string }[],
  ): ScriptCall<readonly Renewed[]> {
    return {
      script: this.current().renew,
      keys: locks.map(({ key }) => this.keyPrefix + key),
      args: locks.map(({ ticket }) => ticket),
      read: (reply) => (reply as unknown[]).map((renewed) => RENEWED[Number(renewed)] ?? 'LOST'),
    };
  }

  /** Parses a message of an inbox. @returns null for any that the scripts don't send: every client may publish. */
  readMessage(message: string): InboxMessage | null {
    if (message.startsWith(MAIL)) return { kind: 'mail', text: message.slice(MAIL.length) };
    if (message.startsWith(WANTED)) {
      const key = this.keyOf(message.slice(WANTED.length));
      return key === null ? null : { kind: 'wanted', key };
    }
    const grant = readGrant(message);
    const key = grant && this.keyOf(grant.key);
    return grant && key !== null ? { kind: 'grant', grant: { ...grant, key } } : null;
  }

  private keyOf(keyAtRedis: string): string | null {
    return keyAtRedis.startsWith(this.keyPrefix) ? keyAtRedis.slice(this.keyPrefix.length) : null;
  }
}

const MAIL = 'mail ';
const WANTED = 'wanted ';

export type InboxMessage =
  | { readonly kind: 'grant'; readonly grant: Grant }
  /** A ticket was queued for a lock that this process owns. */
  | { readonly kind: 'wanted'; readonly key: string }
  /** From another process, or from any client that may publish. */
  | { readonly kind: 'mail'; readonly text: string };

/** What became of a lock that was to be renewed; WANTED: it was, and tickets are queued. */
export type Renewed = 'LOST' | 'RENEWED' | 'WANTED';
const RENEWED: readonly Renewed[] = ['LOST', 'RENEWED', 'WANTED'];

export function acquireStep(key: string, request: AcquireRequest): Step<Answer> {
  return { key, ...request, read: readAnswer };
}

/** @param key of a lock at the server on which the process listens. Answers whether it does. */
export function tellStep(key: string, ticket: string, text: string): Step<boolean> {
  return { key, kind: 'tell', ticket, tokens: 0, text, read: (reply) => reply === 1 };
}

/** Gives up the ticket; `again` queues another ticket of this process in the same step. */
export function releaseStep(
  key: string,
  ticket: string,
  again?: { readonly ticket: string; readonly tokens: number },
): Step<ReleaseAnswer> {
  const read = readReleaseAnswer;
  if (!again) return { key, kind: 'release', ticket, tokens: 0, read };
  return { key, kind: 'requeue', ticket, tokens: again.tokens, again: again.ticket, read };
}

/** A hand-over of a lock to a ticket of this process. */
export interface Grant {
  readonly key: string;
  readonly ticket: string;
  /** The server's clock when it was handed over, in microseconds. */
  readonly atUs: number;
  readonly firstToken: number;
}

/** Parses the message that hand-over.lua publishes, with the key at Redis. @returns null for any other message. */
export function readGrant(message: string): Grant | null {
  const [ticket = '', atText = '', tokenText = '', ...key] = message.split(' ');
  const [atUs, firstToken] = [Number(atText), Number(tokenText)];
  const isGrant = isPositive(atUs) && isPositive(firstToken) && key.length > 0;
  return isGrant ? { key: key.join(' '), ticket, atUs, firstToken } : null;
}

function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/** The most frequent answers are plain values, which cost both sides less than a list. */
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
  return { name, source: [preamble, ...names.map(textOf)].join('\n') };
}

const texts = new Map<string, string>();

/** Read once: a deployment may replace the files of a process that runs. */
function textOf(name: string): string {
  let text = texts.get(name);
  if (text === undefined) {
    text = readFileSync(new URL(`./lua/${name}`, import.meta.url), 'utf8');
    texts.set(name, text);
  }
  return text;
}
