/**
 * One conditional UPDATE and its ledger line in a transaction: the strongest simple way without a lock. Unlike the
 * product, it does not return the remaining quantity, which would take one more statement.
 */
import type { Sequelize } from 'sequelize';
import {
  RIVALS_POOLS,
  type Answer,
  type Contender,
  type ContenderKind,
  type Line,
} from './contender.js';
import { StockRows, openRivalPool, readsOf } from './stock-rows.js';

export const conditionalUpdate: ContenderKind = {
  name: 'conditional-update',
  summary: 'UPDATE … WHERE on_hand >= ? and the ledger line in one transaction for each line',
  forms: RIVALS_POOLS,
  open: (services, { poolMax }) =>
    Promise.resolve(new ConditionalUpdate(openRivalPool(services, poolMax))),
};

export class ConditionalUpdate implements Contender {
  readonly pools: Contender['pools'];
  private readonly rows: StockRows;

  constructor(private readonly sequelize: Sequelize) {
    this.pools = readsOf(sequelize);
    this.rows = new StockRows(sequelize);
  }

  deduct(line: Line): Promise<Answer> {
    return this.sequelize.transaction(async (transaction) => {
      if (!(await this.rows.takeFromLevel(transaction, line))) return 'refused';
      await this.rows.insertMovementFromLevel(transaction, line);
      return 'taken';
    });
  }

  close(): Promise<void> {
    return this.sequelize.close();
  }
}
