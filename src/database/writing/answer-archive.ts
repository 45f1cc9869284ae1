/** AnswerArchive on MySQL. */
import type { Deadline } from '../../time/deadline.js';
import type { Sequelize } from 'sequelize';
import { compareBytes } from '../../inventory/stock.js';
import type { AnswerArchive } from '../../inventory/answer-retention.js';
import { operationKeyOf } from './stock-statements.js';
import { Statements, committedValue, runTransaction } from './transactions.js';

export class MysqlAnswerArchive implements AnswerArchive {
  constructor(private readonly pools: { readonly writer: Sequelize }) {}

  async expireAnswers(olderThanDays: number, limit: number, deadline: Deadline): Promise<number> {
    const { writer } = this.pools;
    const outcome = await runTransaction(writer, deadline, async ({ transaction }) => {
      const statements = new Statements(writer, transaction);
      const old = await statements.read<{ scope: Buffer; idempotency_key: Buffer }>(
        `SELECT scope, idempotency_key FROM stock_operations
         WHERE answer_expired = FALSE AND created_at < NOW(6) - INTERVAL ? DAY
         ORDER BY created_at LIMIT ?`,
        [olderThanDays, limit],
      );
      if (old.length === 0) return 0;
      const keys = old
        .map((row) => ({ row, order: operationKeyOf(row.scope, row.idempotency_key) }))
        .sort((a, b) => compareBytes(a.order, b.order))
        .map(({ row }) => [row.scope, row.idempotency_key]);
      // The operations' rows are locked first, as in every transaction.
      await statements.write(
        'UPDATE stock_operations SET answer_expired = TRUE WHERE (scope, idempotency_key) IN (?)',
        [keys],
      );
      await statements.write(
        'DELETE FROM stock_operation_lines WHERE (scope, idempotency_key) IN (?)',
        [keys],
      );
      return old.length;
    });
    return committedValue(outcome);
  }
}
