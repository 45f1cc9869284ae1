/** Statements within one transaction. */
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';

export class Statements {
  constructor(
    private readonly sequelize: Sequelize,
    private readonly transaction: Transaction,
  ) {}

  read<Row extends object>(sql: string, replacements: unknown[]): Promise<Row[]> {
    return this.sequelize.query<Row>(sql, {
      replacements,
      transaction: this.transaction,
      type: QueryTypes.SELECT,
    });
  }

  /** @returns the number of rows that were inserted or really changed. */
  write(sql: string, replacements: unknown[]): Promise<number> {
    // Of Sequelize's query types only this one hands back mysql2's plain affected-row count.
    return this.sequelize.query(sql, {
      replacements,
      transaction: this.transaction,
      type: QueryTypes.BULKUPDATE,
    });
  }
}
