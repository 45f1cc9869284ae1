/** AnswerArchive on MySQL. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { StorageUnavailableError, type AnswerArchive } from '../inventory/stock-store.js';
import { runTransaction } from './transactions.js';

export class SequelizeAnswerArchive implements AnswerArchive {
  constructor(private readonly pools: { readonly writer: Sequelize }) {}

  async expireAnswers(olderThanDays: number, limit: number, deadlineMs: number): Promise<number> {
    const { writer } = this.pools;
    const outcome = await runTransaction(writer, deadlineMs, async ({ transaction }) => {
      const old = await writer.query<{ scope: Buffer; idempotency_key: Buffer }>(
        `SELECT scope, idempotency_key FROM stock_operations
         WHERE answer_expired = FALSE AND created_at < NOW(6) - INTERVAL ? DAY
         ORDER BY created_at LIMIT ?`,
        { replacements: [olderThanDays, limit], transaction, type: QueryTypes.SELECT },
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
      for (const sql of [
        'UPDATE stock_operations SET answer_expired = TRUE WHERE (scope, idempotency_key) IN (?)',
        'DELETE FROM stock_operation_lines WHERE (scope, idempotency_key) IN (?)',
      ]) {
        await writer.query(sql, {
          replacements: [keys],
          transaction,
          type: QueryTypes.BULKUPDATE,
        });
      }
      return old.length;
    });
    if (outcome.outcome === 'COMMITTED') return outcome.value;
    throw new StorageUnavailableError('cause' in outcome ? outcome.cause : outcome.outcome);
  }
}
