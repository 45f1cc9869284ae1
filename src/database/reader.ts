/**
 * Statements that read, each of which ends with its caller: at the end of the request's time, or when the client has
 * hung up, the caller gets its error at once and the statement is ended by KILL QUERY.
 *
 * Invariants:
 * 1. A KILL meets the statement that it is meant for, or none: the connection is not given back before the KILL is
 *    answered, the statement has ended, and a further statement has shown that no KILL is pending. After a switch of
 *    the primary the KILL would go to another server; then the statement's connection is closed instead.
 *    (test/integration/database/reader.test.ts: "a KILL never meets the statement of another caller")
 * 2. Every connection that was taken is given back or closed, whichever comes first: rows, error, caller's end.
 *    (test/integration/database/reader.test.ts: "no connection is lost")
 * 3. Lists leave some connections to reads of single things, as those that follow a COMMIT.
 *    (test/integration/database/reader.test.ts: "lists leave connections to reads of single things")
 */
import type { Sequelize } from 'sequelize';
import { CallerGoneError, StorageUnavailableError } from '../inventory/stock-store.js';
import type { Timer } from '../time/clock.js';
import type { Deadline } from '../time/deadline.js';
import { available } from './errors.js';
import { TakenConnection, type Replacements } from './taken-connection.js';

/** The longest time until a statement has ended after its KILL; then its connection is closed. */
const END_MAX_MS = 2_000;
/** Connections that lists leave free, where the pool has more than these. */
const LEFT_BY_LISTS = 2;

export interface ReaderPools {
  readonly reader: Sequelize;
  /** For KILL, which must not wait behind the statements that it ends. */
  readonly control: Sequelize;
}

export class Reader {
  private readonly lists: ListTurns;

  /** @param connections of the pool for reading. */
  constructor(
    private readonly pools: ReaderPools,
    connections: number,
  ) {
    this.lists = new ListTurns(Math.max(1, connections - LEFT_BY_LISTS));
  }

  /** For a few things by their keys. @throws StorageUnavailableError, also at the caller's end. */
  one<Row extends object>(
    sql: string,
    replacements: Replacements,
    deadline: Deadline,
  ): Promise<Row[]> {
    return available(() => this.run<Row>(sql, replacements, deadline, null));
  }

  /** For a page and what belongs to its entries. @throws StorageUnavailableError, also at the caller's end. */
  list<Row extends object>(
    sql: string,
    replacements: Replacements,
    deadline: Deadline,
  ): Promise<Row[]> {
    return available(() => this.run<Row>(sql, replacements, deadline, this.lists));
  }

  private async run<Row extends object>(
    sql: string,
    replacements: Replacements,
    deadline: Deadline,
    turns: ListTurns | null,
  ): Promise<Row[]> {
    const end = new CallersEnd(deadline);
    try {
      await turns?.enter(end);
      const connection = await this.take(end, turns);
      const progress = { isRunning: true };
      const statement = connection.query<Row>(sql, replacements).finally(() => {
        progress.isRunning = false;
      });
      try {
        return await Promise.race([statement, end.reached]);
      } finally {
        if (progress.isRunning) {
          void this.endStatement(connection, statement, end).then(() => turns?.leave());
        } else {
          connection.giveBack();
          turns?.leave();
        }
      }
    } finally {
      end.forget();
    }
  }

  private async take(end: CallersEnd, turns: ListTurns | null): Promise<TakenConnection> {
    const taking = TakenConnection.from(this.pools.reader);
    try {
      end.throwIfReached();
      return await Promise.race([taking, end.reached]);
    } catch (error) {
      turns?.leave();
      // The pool cannot be told to forget a caller: the connection comes later, and goes back.
      taking.then(
        (connection) => {
          connection.giveBack();
        },
        () => undefined,
      );
      throw error;
    }
  }

  /** Never rejects. */
  private async endStatement(
    connection: TakenConnection,
    statement: Promise<unknown>,
    { clock }: CallersEnd,
  ): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = clock.after(END_MAX_MS, () => {
        reject(new Error(`The statement did not end within ${END_MAX_MS} ms of its KILL.`));
      });
    });
    try {
      await Promise.race([this.kill(connection, statement), late]);
      connection.giveBack();
    } catch {
      connection.cut();
    } finally {
      timer?.cancel();
    }
  }

  private async kill(connection: TakenConnection, statement: Promise<unknown>): Promise<void> {
    const killer = await TakenConnection.from(this.pools.control);
    await killer.kill(connection).finally(() => {
      killer.giveBack();
    });
    await statement.catch(() => undefined);
    // The statement may have ended just before, and the KILL may wait for the next one: this is the next one.
    const probe = () => connection.query('SELECT 0');
    await probe().catch(probe);
  }
}

/** The end of the caller's time, or of its connection, as one error. */
class CallersEnd {
  readonly clock;
  /** Rejects at the end, and never resolves. */
  readonly reached: Promise<never>;
  private error: StorageUnavailableError | null = null;
  private readonly timer: Timer;
  private readonly hungUp: () => void;

  constructor(private readonly deadline: Deadline) {
    const { clock, signal } = deadline;
    this.clock = clock;
    let reject: (error: Error) => void = () => undefined;
    this.reached = new Promise((_, rejected) => (reject = rejected));
    this.reached.catch(() => undefined);
    const end = (error: StorageUnavailableError) => {
      this.error ??= error;
      reject(this.error);
    };
    this.hungUp = () => {
      end(new CallerGoneError());
    };
    this.timer = clock.after(deadline.leftMs, () => {
      end(new StorageUnavailableError('The deadline of the request has passed.'));
    });
    if (deadline.callerHasGone) this.hungUp();
    else signal?.addEventListener('abort', this.hungUp, { once: true });
  }

  throwIfReached(): void {
    if (this.error) throw this.error;
  }

  forget(): void {
    this.timer.cancel();
    this.deadline.signal?.removeEventListener('abort', this.hungUp);
  }
}

/** First come, first served; a caller that has gone leaves its place. */
class ListTurns {
  private readonly waiting = new Set<() => void>();

  constructor(private free: number) {}

  /** @throws StorageUnavailableError at the caller's end. */
  async enter(end: CallersEnd): Promise<void> {
    if (this.free > 0) {
      this.free -= 1;
      return;
    }
    let admit: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => (admit = resolve));
    this.waiting.add(admit);
    try {
      await Promise.race([turn, end.reached]);
    } catch (error) {
      // Where it is no longer among them, it was admitted at the same moment.
      if (!this.waiting.delete(admit)) this.leave();
      throw error;
    }
  }

  leave(): void {
    const [next] = this.waiting;
    if (!next) {
      this.free += 1;
      return;
    }
    this.waiting.delete(next);
    next();
  }
}
