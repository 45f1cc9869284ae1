/**
 * Which server takes this process's connections, and which of them are at another one.
 *
 * A switch of the primary need not break a connection: a demoted server keeps them open, refuses to write, and answers
 * reads from the past. So each connection carries the generation in which it was opened. Where a server is left, the
 * generation grows, and the pools throw away what they have of an older one when it is to be used next.
 *
 *   hosts   | a connection is opened to             | the server is left when
 *   one     | that host, whatever it leads to       | it refuses to write, or is silent; and when a connection that was
 *           |                                       | opened after a refusal finds another server there
 *   several | the current one; the first that takes | it refuses to write, says that it would, is silent, or cannot be
 *           | writes, in the order of the address   | reached
 *
 * Invariants:
 * 1. With several hosts, a connection is given to a pool only if its server said that it takes writes.
 * 2. A connection of an older generation is never used again. One that is in use ends its work first, unless its server
 *    gives no answer: it would hold its place in the pool, and the work would wait for it.
 * 3. At most one search is under way, and a failed one is not repeated within a pause that grows.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Backoff } from '../time/backoff.js';
import { systemRandom } from '../time/clock.js';
import { showHost, type MysqlHost } from './mysql-address.js';

/** After the first server that takes writes has answered, those before it in the address have so long to answer. */
const EARLIER_HOSTS_MS = 100;
/** Between failed searches, so that callers without a server do not ask all of them without a pause. */
const SEARCH_PAUSES = { firstMs: 200, maxMs: 1_000 };
/** A server that goes on refusing is not left more often, so that reads can keep their connections. */
const LEAVE_PAUSE_MS = 250;

/** Receives the log lines; pino fits. */
export interface ServerLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export class NoWritableServerError extends Error {
  readonly code = 'NO_WRITABLE_SERVER' as const;
  constructor(hosts: readonly MysqlHost[]) {
    super(`No server in MYSQL_URL takes writes: ${hosts.map(showHost).join(', ')}.`);
    this.name = 'NoWritableServerError';
  }
}

/** A connection of one of the pools. */
interface OpenConnection {
  bytesHeard(): number;
  /** The server is left because it gives no answer. */
  cutIfSilent(): void;
}

type Probe = (host: MysqlHost) => Promise<boolean>;

export class CurrentServer {
  private readonly onlyHost: MysqlHost | null;
  private current: MysqlHost | null;
  private age = 0;
  private lastIdentity: string | null = null;
  private readonly open = new Set<OpenConnection>();
  private bytesHeardBefore = 0;
  private leftMs = Number.NEGATIVE_INFINITY;
  private search: Promise<MysqlHost> | null = null;
  private readonly searchPauses = new Backoff(SEARCH_PAUSES, systemRandom);
  private failure: { readonly error: unknown; readonly untilMs: number } | null = null;
  /** The server that refused to write, until another one is found behind the only host. */
  private refused: string | null = null;

  constructor(
    private readonly hosts: readonly [MysqlHost, ...MysqlHost[]],
    private readonly log?: ServerLog,
  ) {
    this.onlyHost = hosts.length === 1 ? hosts[0] : null;
    this.current = this.onlyHost;
  }

  get generation(): number {
    return this.age;
  }

  get hasSeveral(): boolean {
    return this.onlyHost === null;
  }

  /** As in `db1:3306`; null while none is known. */
  get name(): string | null {
    return this.current && showHost(this.current);
  }

  /** What the server of the newest connection says of itself; null before the first. */
  get identity(): string | null {
    return this.lastIdentity;
  }

  /** Where the next connection leads. @throws NoWritableServerError, or why no host could be asked. */
  async host(probe: Probe): Promise<MysqlHost> {
    if (this.current) return this.current;
    if (this.failure && performance.now() < this.failure.untilMs) throw this.failure.error;
    this.search ??= this.find(probe).finally(() => {
      this.search = null;
    });
    return this.search;
  }

  /** A connection was opened and set up. @returns the generation that it belongs to. */
  opened(began: number, identity: string): number {
    this.lastIdentity = identity;
    if (this.refused === null || this.refused === identity) return began;
    // Whatever was opened since the refusal may have reached the server that refused.
    this.refused = null;
    this.log?.info({ mysql: this.name }, 'MySQL takes connections at another server now.');
    return this.next();
  }

  /** @returns to be called when the connection is closed. */
  watch(connection: OpenConnection): () => void {
    this.open.add(connection);
    return () => {
      if (this.open.delete(connection)) this.bytesHeardBefore += connection.bytesHeard();
    };
  }

  /** Of all connections; grows while the server answers. */
  get bytesHeard(): number {
    let bytes = this.bytesHeardBefore;
    for (const connection of this.open) bytes += connection.bytesHeard();
    return bytes;
  }

  /** A statement was refused because its server takes no writes. @param identity of the server, where it is known. */
  refusedWrite(generation: number, identity = ''): void {
    if (!this.mayBeLeft(generation)) return;
    if (this.refused === null) this.log?.warn({ mysql: this.name }, 'MySQL takes no writes.');
    if (this.onlyHost) this.refused = identity;
    this.leave();
  }

  /** A small statement got no answer in time. Connections that are opened from now on may lead to another server. */
  silent(generation: number): void {
    if (!this.mayBeLeft(generation)) return;
    this.log?.warn({ mysql: this.name }, 'MySQL gives no answer.');
    this.leaveSilent();
  }

  /** With several hosts: a new connection to the host failed. */
  failed(host: MysqlHost, how: 'NO_WRITES' | 'NOT_RESOLVED' | 'NOT_REACHED'): void {
    if (this.onlyHost || this.current !== host) return;
    this.log?.warn({ mysql: this.name, how }, 'MySQL cannot be reached, or takes no writes.');
    // A resolver that fails says nothing of the server, nor of the connections that are there.
    if (how === 'NOT_RESOLVED') this.current = null;
    else if (how === 'NO_WRITES') this.leave();
    else this.leaveSilent();
  }

  private mayBeLeft(generation: number): boolean {
    return generation === this.age && performance.now() - this.leftMs >= LEAVE_PAUSE_MS;
  }

  private leaveSilent(): void {
    this.leave();
    for (const connection of this.open) connection.cutIfSilent();
  }

  private leave(): void {
    this.leftMs = performance.now();
    this.current = this.onlyHost;
    this.lastIdentity = null;
    this.next();
  }

  private next(): number {
    this.age += 1;
    return this.age;
  }

  private async find(probe: Probe): Promise<MysqlHost> {
    const errors: unknown[] = [];
    const takesWrites: boolean[] = [];
    const answers = this.hosts.map(async (host, i) => {
      const answer = await probe(host).catch((error: unknown) => {
        errors.push(error);
        return false;
      });
      takesWrites[i] = answer;
      if (!answer) throw new NoWritableServerError([host]);
    });
    try {
      await Promise.any(answers);
    } catch {
      const isNoneAsked = errors.length === this.hosts.length;
      const error = isNoneAsked ? errors[0] : new NoWritableServerError(this.hosts);
      this.failure = { error, untilMs: performance.now() + this.searchPauses.nextMs() };
      throw error;
    }
    await Promise.race([Promise.allSettled(answers), wait(EARLIER_HOSTS_MS)]);
    const found = this.hosts.find((_, i) => takesWrites[i]) ?? this.hosts[0];
    this.failure = null;
    this.searchPauses.reset();
    this.current = found;
    this.log?.info({ mysql: showHost(found) }, 'MySQL takes writes.');
    return found;
  }
}
