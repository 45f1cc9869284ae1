/** The pessimistic row lock: SELECT … FOR UPDATE, decide, write, COMMIT, in a transaction for each line. */
import type { Sequelize } from 'sequelize';
import {
  RESERVATION_TTL_SECONDS,
  RIVALS_POOLS,
  type Answer,
  type Contender,
  type ContenderKind,
  type Line,
} from './contender.js';
import { StockRows, openRivalPool, readsOf } from './stock-rows.js';

export const forUpdate: ContenderKind = {
  name: 'for-update',
  summary:
    'SELECT … FOR UPDATE, then the UPDATE and the ledger line, one transaction for each line',
  forms: RIVALS_POOLS,
  open: (services, { poolMax }) => Promise.resolve(new ForUpdate(openRivalPool(services, poolMax))),
};

class ForUpdate implements Contender {
  readonly pools: Contender['pools'];
  private readonly rows: StockRows;

  constructor(private readonly sequelize: Sequelize) {
    this.pools = readsOf(sequelize);
    this.rows = new StockRows(sequelize);
  }

  deduct(line: Line): Promise<Answer> {
    return this.sequelize.transaction(async (transaction) => {
      const level = await this.rows.readLevel(transaction, line, { lock: true });
      if (level.onHand - level.reserved < line.quantity) return 'refused';
      await this.rows.takeFromLevel(transaction, line);
      await this.rows.insertMovement(transaction, line, level);
      return 'taken';
    });
  }

  reserve(line: Line): Promise<Answer> {
    return this.sequelize.transaction(async (transaction) => {
      const level = await this.rows.readLevel(transaction, line, { lock: true });
      if (level.onHand - level.reserved < line.quantity) return 'refused';
      await this.rows.insertReservation(transaction, line, RESERVATION_TTL_SECONDS);
      await this.rows.holdOfLevel(transaction, line);
      return 'taken';
    });
  }

  close(): Promise<void> {
    return this.sequelize.close();
  }
}
