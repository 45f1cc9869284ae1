/**
 * Work that runs in one process at a time, under MySQL's GET_LOCK, which ends with its session: a crash releases it. It
 * is per server: with several primaries two processes may run the work at once, which the work must tolerate.
 *
 * A session holds any number of named locks, so all those of this process share one connection. The session would
 * grant a name that it has a second time, so the names that are taken are also kept here.
 */
import type { Sequelize } from 'sequelize';
import type { ExclusiveTurns } from '../inventory/recurring-work.js';
import { available } from './errors.js';
import { TakenConnection } from './taken-connection.js';

/** SQL for the name of a lock of this database. MySQL allows 64 characters, as many as a database's name can have. */
export const NAMED_LOCK = 'CONCAT(?, LEFT(SHA2(DATABASE(), 256), 40))';

interface Session {
  readonly connection: Promise<TakenConnection>;
  users: number;
  /** A statement has failed, so it is not known which locks the session still has. */
  isDoubtful: boolean;
}

export class NamedLocks implements ExclusiveTurns {
  private readonly taken = new Set<string>();
  private session: Session | null = null;

  constructor(private readonly pool: Sequelize) {}

  /** @throws StorageUnavailableError, and what the work throws. */
  async exclusively(name: string, work: () => Promise<void>): Promise<void> {
    if (this.taken.has(name)) return;
    this.taken.add(name);
    const session = this.join();
    try {
      if (!(await this.call(session, 'GET_LOCK', name))) return;
      try {
        await work();
      } finally {
        await this.call(session, 'RELEASE_LOCK', name);
      }
    } finally {
      this.taken.delete(name);
      await this.leave(session);
    }
  }

  private async call(
    session: Session,
    what: 'GET_LOCK' | 'RELEASE_LOCK',
    name: string,
  ): Promise<boolean> {
    const call = what === 'GET_LOCK' ? `GET_LOCK(${NAMED_LOCK}, 0)` : `RELEASE_LOCK(${NAMED_LOCK})`;
    try {
      return await available(async () => {
        const connection = await session.connection;
        const [row] = await connection.query<{ done: number | null }>(`SELECT ${call} AS done`, [
          `stockade.${name}.`,
        ]);
        return row?.done === 1;
      });
    } catch (error) {
      session.isDoubtful = true;
      throw error;
    }
  }

  private join(): Session {
    this.session ??= {
      connection: TakenConnection.from(this.pool),
      users: 0,
      isDoubtful: false,
    };
    this.session.users += 1;
    return this.session;
  }

  private async leave(session: Session): Promise<void> {
    session.users -= 1;
    if (session.users > 0) return;
    this.session = null;
    const connection = await session.connection.catch(() => null);
    if (session.isDoubtful) connection?.cut();
    else connection?.giveBack();
  }
}
