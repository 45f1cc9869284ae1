/**
 * The optimistic way: the level is read without a lock, and written only if its version is still the same. Otherwise
 * another caller was faster, and the attempt begins anew.
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

/** As long as the product waits for a lock. */
const RETRY_MAX_MS = 10_000;

export const optimistic: ContenderKind = {
  name: 'optimistic',
  summary:
    'read, then UPDATE … WHERE version = ?, again and again until no other caller was faster',
  forms: RIVALS_POOLS,
  repeatsMax: 1,
  open: (services, { poolMax }) =>
    Promise.resolve(new Optimistic(openRivalPool(services, poolMax))),
};

class Optimistic implements Contender {
  readonly pools: Contender['pools'];
  private readonly rows: StockRows;

  constructor(private readonly sequelize: Sequelize) {
    this.pools = readsOf(sequelize);
    this.rows = new StockRows(sequelize);
  }

  async deduct(line: Line): Promise<Answer> {
    const giveUpMs = performance.now() + RETRY_MAX_MS;
    do {
      const answer = await this.attempt(line);
      if (answer !== 'lost') return answer;
    } while (performance.now() < giveUpMs);
    throw new Error(`Other callers were faster for ${RETRY_MAX_MS} ms.`);
  }

  close(): Promise<void> {
    return this.sequelize.close();
  }

  /** On one connection: a caller that waited for another one after its read would always be too late. */
  private attempt(line: Line): Promise<Answer | 'lost'> {
    return this.sequelize.transaction(async (transaction) => {
      const level = await this.rows.readLevel(transaction, line, { lock: false });
      if (level.onHand - level.reserved < line.quantity) return 'refused';
      if (!(await this.rows.takeFromVersion(transaction, line, level.version))) return 'lost';
      await this.rows.insertMovement(transaction, line, level);
      return 'taken';
    });
  }
}
