/** A connection that is taken out of its pool, so that several statements meet one session, or a KILL can name it. */
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';

import { areAtOneServer } from './pool.js';

export type Replacements = unknown[] | Record<string, unknown>;

/** The used part of mysql2's connection, which Sequelize returns untyped. */
interface DriverConnection {
  readonly threadId: number;
  readonly stream: { destroy(): void };
}

export class TakenConnection {
  private constructor(
    private readonly pool: Sequelize,
    private readonly connection: DriverConnection,
  ) {}

  /** Waits for a free connection as long as the pool allows. It must be given back, or cut. */
  static async from(pool: Sequelize): Promise<TakenConnection> {
    const connection = await pool.connectionManager.getConnection({ type: 'read' });
    return new TakenConnection(pool, connection as DriverConnection);
  }

  /** The server's id of the session, for KILL. */
  get threadId(): number {
    return this.connection.threadId;
  }

  query<Row extends object>(sql: string, replacements: Replacements = []): Promise<Row[]> {
    return this.pool.query<Row>(sql, {
      replacements,
      type: QueryTypes.SELECT,
      // Sequelize runs a statement on the connection of its transaction, and gives that back to no pool.
      transaction: { connection: this.connection } as unknown as Transaction,
    });
  }

  /** Ends the statement of another session. @throws where that is at another server, or is not to be ended. */
  async kill(other: TakenConnection): Promise<void> {
    if (!areAtOneServer(this.connection, other.connection)) {
      throw new Error('The session is at another server, where its id may be that of another one.');
    }
    await this.pool.query(`KILL QUERY ${other.threadId}`, {
      transaction: { connection: this.connection } as unknown as Transaction,
    });
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
}
