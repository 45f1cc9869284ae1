/** A connection that is taken out of its pool, so that several statements meet one session, or a KILL can name it. */
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';

import { areAtOneServer, leaveDemotedServer } from './pool.js';
import type { Session } from './server-state.js';

export type Replacements = unknown[] | Record<string, unknown>;

export class TakenConnection {
  private constructor(
    private readonly pool: Sequelize,
    private readonly connection: Session,
  ) {}

  /** Waits for a free connection as long as the pool allows. It must be given back, or cut. */
  static async from(pool: Sequelize): Promise<TakenConnection> {
    const connection = await pool.connectionManager.getConnection({ type: 'read' });
    return new TakenConnection(pool, connection as Session);
  }

  /** The server's id of the session, for KILL. */
  get threadId(): number {
    return this.connection.threadId;
  }

  query<Row extends object>(sql: string, replacements: Replacements = []): Promise<Row[]> {
    return this.pool.query<Row>(sql, {
      replacements,
      type: QueryTypes.SELECT,
      transaction: this.transaction,
    });
  }

  /** A statement that returns no rows. */
  async execute(sql: string): Promise<void> {
    await this.pool.query(sql, { type: QueryTypes.RAW, transaction: this.transaction });
  }

  /** Ends the statement of another session. @throws where that is at another server, or is not to be ended. */
  async kill(other: TakenConnection): Promise<void> {
    if (!areAtOneServer(this.connection, other.connection)) {
      throw new Error('The session is at another server, where its id may be that of another one.');
    }
    await this.execute(`KILL QUERY ${other.threadId}`);
  }

  /** Asks the server whether it takes writes, and leaves it if not. */
  leaveDemoted(): Promise<void> {
    return leaveDemotedServer(this.connection);
  }

  giveBack(): void {
    this.pool.connectionManager.releaseConnection(this.connection);
  }

  /** Closes the connection; the pool opens another one when it needs it. */
  cut(): void {
    this.connection.stream.destroy();
    // The farewell to the server fails on a closed socket.
    this.pool.connectionManager.destroyConnection(this.connection).catch(() => undefined);
  }

  /** Sequelize runs a statement on the connection of its transaction, and gives that back to no pool. */
  private get transaction(): Transaction {
    return { connection: this.connection } as unknown as Transaction;
  }
}
