/**
 * The lock's Lua scripts (src/lock/lua), in TypeScript, on a model of the Redis data that they use: strings and lists
 * with an expiry by the server's own clock. test/integration/lock/script-model.test.ts draws sequences of calls and
 * compares replies, messages and data with the real scripts on a real Redis.
 *
 * Not modelled: keys of another type, a full memory, permissions. The scripts' answers to these are tested directly.
 */
export interface ScriptSettings {
  readonly ttlMs: number;
  readonly claimTtlMs: number;
  readonly claimTokens: number;
  readonly counterTtlMs: number;
}

interface Entry {
  value: string | string[];
  expiresMs: number;
}

export interface ModelServer {
  /** The server's clock in microseconds, a whole number. */
  nowUs(): number;
  /** @returns how many connections are subscribed to the channel. */
  publish(channel: string, message: string): number;
  /** Told of each lock that is taken over from an owner that does not listen, and of its last token. */
  readonly onTakenOver?: ((lock: string, lastToken: number) => void) | undefined;
}

const QUEUE_GRACE_MS = 60_000;

/** Data with the commands that the scripts call. */
export class ModelData {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly server: Pick<ModelServer, 'nowUs'>) {}

  get(key: string): string | null {
    const value = this.entry(key)?.value;
    return typeof value === 'string' ? value : null;
  }

  set(key: string, value: string, ttlMs: number): void {
    this.entries.set(key, { value, expiresMs: this.nowMs() + ttlMs });
  }

  delete(key: string): boolean {
    return this.entries.delete(key);
  }

  list(key: string): readonly string[] {
    return this.items(key);
  }

  push(key: string, item: string): number {
    const items = this.items(key);
    if (items.push(item) === 1) this.entries.set(key, { value: items, expiresMs: Infinity });
    return items.length;
  }

  shift(key: string): string | null {
    const items = this.items(key);
    const first = items.shift() ?? null;
    if (items.length === 0) this.entries.delete(key);
    return first;
  }

  removeFrom(key: string, item: string): void {
    const entry = this.entry(key);
    if (!entry || typeof entry.value === 'string') return;
    entry.value = entry.value.filter((candidate) => candidate !== item);
    if (entry.value.length === 0) this.entries.delete(key);
  }

  expire(key: string, ttlMs: number): boolean {
    const entry = this.entry(key);
    if (entry) entry.expiresMs = this.nowMs() + ttlMs;
    return entry !== undefined;
  }

  /** -1 for a key that never expires, -2 for none. */
  remainingMs(key: string): number {
    const entry = this.entry(key);
    if (!entry) return -2;
    return entry.expiresMs === Infinity ? -1 : entry.expiresMs - this.nowMs();
  }

  /** The data are lost, as on a server that kept nothing on disk. */
  clear(): void {
    this.entries.clear();
  }

  private items(key: string): string[] {
    const value = this.entry(key)?.value;
    return Array.isArray(value) ? value : [];
  }

  private entry(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    if (!entry || entry.expiresMs >= this.nowMs()) return entry;
    this.entries.delete(key);
    return undefined;
  }

  private nowMs(): number {
    return Math.floor(this.server.nowUs() / 1_000);
  }
}

/** An integer or a bulk string, or a list of them, as a Redis client hands them out. */
export type Reply = number | string | readonly (number | string)[];

interface Keys {
  readonly lock: string;
  readonly queue: string;
  readonly fence: string;
}

export class LockScriptModel {
  constructor(
    readonly data: ModelData,
    readonly server: ModelServer,
    readonly settings: ScriptSettings,
  ) {}

  /** steps.lua: one reply for each key. */
  steps(keys: readonly string[], args: readonly string[]): readonly Reply[] {
    const nowUs = this.server.nowUs();
    let at = 0;
    const next = () => args[at++] ?? '';
    return keys.map((lock): Reply => {
      const call = new Step({ lock, queue: `${lock}:queue`, fence: `${lock}:fence` }, nowUs, this);
      const kind = next();
      const ticket = next();
      switch (kind) {
        case 'queue':
        case 'try':
        case 'own':
          return call.acquire(ticket, Number(next()), kind);
        case 'tell':
          return call.tell(ticket, `mail ${next()}`) ? 1 : 0;
        case 'release':
          return call.release(ticket, null, 0);
        case 'requeue': {
          const tokens = Number(next());
          return call.release(ticket, next(), tokens);
        }
        default:
          throw new Error(`Unknown kind of step: ${kind}.`);
      }
    });
  }

  /** Whether a lock with this value is the ticket's: what release.lua and renew.lua compare. */
  isHeldBy(holder: string | null, ticket: string): boolean {
    return holder === ticket;
  }

  /** renew.lua: for each key 1 where it was prolonged, 2 where tickets are queued as well, else 0. */
  renew(keys: readonly string[], tickets: readonly string[]): readonly number[] {
    return keys.map((key, i) => {
      if (!this.isHeldBy(this.data.get(key), tickets[i] ?? '')) return 0;
      this.data.expire(key, this.settings.ttlMs);
      return this.data.list(`${key}:queue`).length > 0 ? 2 : 1;
    });
  }
}

/** One step on one lock: acquire.lua, release.lua and what hand-over.lua gives them. */
class Step {
  private readonly data: ModelData;
  private readonly settings: ScriptSettings;

  constructor(
    private readonly keys: Keys,
    private readonly nowUs: number,
    private readonly model: LockScriptModel,
  ) {
    this.data = model.data;
    this.settings = model.settings;
  }

  acquire(ticket: string, tokens: number, kind: 'queue' | 'try' | 'own'): Reply {
    const { data, keys, settings } = this;
    let skipped = 0;
    let holder = data.get(keys.lock);
    const isOwned = holder !== null && holder !== ticket && isOwnersTicket(holder);
    if (isOwned && kind !== 'own' && !this.tell(holder ?? '', `wanted ${keys.lock}`)) {
      this.model.server.onTakenOver?.(keys.lock, Number(data.get(keys.fence) ?? 0));
      holder = null;
    }
    if (holder === null) {
      data.set(keys.lock, ticket, settings.ttlMs);
      const next = this.handOver(ticket);
      skipped = next.skipped;
      if (next.ticket === null || next.ticket === ticket) {
        return skipped === 0 ? this.mint(tokens) : [skipped, 1, this.mint(tokens)];
      }
      holder = next.ticket;
    } else if (holder === ticket) {
      data.expire(keys.lock, settings.ttlMs);
      return this.mint(tokens);
    }
    const isQueued = kind === 'queue' || (kind === 'own' && !isOwnersTicket(holder));
    const position = isQueued ? this.placeOf(ticket) : data.list(keys.queue).length;
    return [skipped, 2, holder, data.remainingMs(keys.lock), position, String(this.nowUs)];
  }

  release(ticket: string, again: string | null, tokens: number): Reply {
    const { data, keys, settings } = this;
    const holder = data.get(keys.lock);
    const mine = this.model.isHeldBy(holder, ticket) ? 1 : 0;
    if (!mine) data.removeFrom(keys.queue, ticket);
    if (again !== null) this.enqueue(again);
    let skipped = 0;
    let present = holder;
    if (mine || holder === null) {
      const next = this.handOver(again);
      skipped = next.skipped;
      present = next.ticket;
      if (present === null) {
        data.delete(keys.lock);
        return mine && skipped === 0 ? 1 : [skipped, 0, mine];
      }
      if (present === again) {
        data.set(keys.lock, again, settings.ttlMs);
        return [skipped, 1, this.mint(tokens), mine];
      }
    }
    const ahead = data.list(keys.queue).length - 1;
    const remainingMs = data.remainingMs(keys.lock);
    return [skipped, 2, present ?? '', remainingMs, ahead, String(this.nowUs), mine];
  }

  /** Whether the ticket's process listens. */
  tell(ticket: string, message: string): boolean {
    return this.model.server.publish(inboxOfTicket(ticket), message) > 0;
  }

  private placeOf(ticket: string): number {
    const place = this.data.list(this.keys.queue).indexOf(ticket);
    if (place < 0) return this.enqueue(ticket);
    this.data.expire(this.keys.queue, this.settings.ttlMs + QUEUE_GRACE_MS);
    return place;
  }

  private enqueue(ticket: string): number {
    const length = this.data.push(this.keys.queue, ticket);
    this.data.expire(this.keys.queue, this.settings.ttlMs + QUEUE_GRACE_MS);
    return length - 1;
  }

  private mint(count: number): string {
    const before = Number(this.data.get(this.keys.fence) ?? 0);
    const first = before >= this.nowUs ? before + 1 : this.nowUs;
    this.data.set(this.keys.fence, String(first + count - 1), this.settings.counterTtlMs);
    return String(first);
  }

  private handOver(own: string | null): { ticket: string | null; skipped: number } {
    const { data, keys, settings } = this;
    for (let skipped = 0; ; skipped += 1) {
      const ticket = data.shift(keys.queue);
      if (ticket === null || ticket === own) return { ticket, skipped };
      const token = this.mint(settings.claimTokens);
      const message = `${ticket} ${this.nowUs} ${token} ${keys.lock}`;
      if (this.tell(ticket, message)) {
        data.set(keys.lock, ticket, settings.claimTtlMs);
        return { ticket, skipped };
      }
    }
  }
}

function inboxOfTicket(ticket: string): string {
  return `lock:inbox:${ticket.slice(0, Math.max(0, ticket.lastIndexOf(':')))}`;
}

function isOwnersTicket(ticket: string): boolean {
  return /:o\d+$/.test(ticket);
}

/** The settings that stand in front of a script's text, as in `local TTL_MS, … = '5000', …`. */
export function readScriptSettings(source: string): ScriptSettings {
  const [ttlMs, claimTtlMs, claimTokens, counterTtlMs] = [
    ...(/^local [A-Z_, ]+ = (.*)$/m.exec(source)?.[1] ?? '').matchAll(/'(\d+)'/g),
  ].map((match) => Number(match[1]));
  if (!ttlMs || !claimTtlMs || !claimTokens || !counterTtlMs) {
    throw new Error('The script does not begin with the settings that the model knows.');
  }
  return { ttlMs, claimTtlMs, claimTokens, counterTtlMs };
}

/** Makes a model of the scripts with these settings; a mutant is put in here. */
export type ScriptModels = (
  data: ModelData,
  server: ModelServer,
  settings: ScriptSettings,
) => LockScriptModel;
