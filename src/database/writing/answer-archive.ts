/** AnswerArchive on MySQL. */
import type { Deadline } from '../../time/deadline.js';
import type { Sequelize } from 'sequelize';
import type { AnswerArchive } from '../../inventory/answer-retention.js';
import { Statements } from '../statements.js';
import { committedValue, runTransaction } from './transactions.js';

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
        .sort(
          (a, b) =>
            Buffer.compare(a.scope, b.scope) ||
            Buffer.compare(a.idempotency_key, b.idempotency_key),
        )
        .map((row) => [row.scope, row.idempotency_key]);
      // The operations' rows first, as everybody takes them: who comes again from now on finds that it has expired.
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
