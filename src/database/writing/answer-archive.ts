/** AnswerArchive on MySQL. */
import type { Deadline } from '../../time/deadline.js';
import type { Sequelize } from 'sequelize';
import type { AnswerArchive } from '../../inventory/answer-retention.js';
import { Statements, committedValue, runTransaction } from './transactions.js';

export class MysqlAnswerArchive implements AnswerArchive {
  constructor(private readonly pools: { readonly writer: Sequelize }) {}

  async expireAnswers(olderThanDays: number, limit: number, deadline: Deadline): Promise<number> {
    const { writer } = this.pools;
    const outcome = await runTransaction(writer, deadline, async ({ transaction }) => {
      const statements = new Statements(writer, transaction);
      const old = await statements.read<{ id: Buffer }>(
        `SELECT id FROM stock_operations
         WHERE answer_expired = FALSE AND created_at < NOW(6) - INTERVAL ? DAY
         ORDER BY created_at LIMIT ?`,
        [olderThanDays, limit],
      );
      if (old.length === 0) return 0;
      const ids = old.map(({ id }) => id).sort((a, b) => Buffer.compare(a, b));
      await statements.write(
        'UPDATE stock_operations SET answer_expired = TRUE, answers = NULL WHERE id IN (?)',
        [ids],
      );
      return old.length;
    });
    return committedValue(outcome);
  }

  async forgetWithdrawals(
    olderThanDays: number,
    limit: number,
    deadline: Deadline,
  ): Promise<number> {
    const { writer } = this.pools;
    const outcome = await runTransaction(writer, deadline, ({ transaction }) =>
      new Statements(writer, transaction).write(
        `DELETE FROM withdrawn_writes
         WHERE withdrawn_at < NOW(6) - INTERVAL ? DAY ORDER BY withdrawn_at LIMIT ?`,
        [olderThanDays, limit],
      ),
    );
    return committedValue(outcome);
  }
}
