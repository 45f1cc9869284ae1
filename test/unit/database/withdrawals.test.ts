/** In which order the rows of withdrawals are locked. */
import type { Sequelize, Transaction } from 'sequelize';
import { WithdrawalStatements } from '../../../src/database/writing/withdrawals.js';
import { write } from '../../support/stock-writes.js';

test('withdrawals are written in the order of their calls, whatever the order of the writes', async () => {
  const written: unknown[][] = [];
  const sequelize = {
    query: (_sql: string, { replacements }: { readonly replacements: unknown[] }) => {
      written.push(replacements);
      return Promise.resolve(0);
    },
  } as unknown as Sequelize;
  const statements = new WithdrawalStatements(sequelize, {} as unknown as Transaction);
  const take = write('deductStock', { items: [{ productId: 'a', quantity: 1 }] });
  const delegated = ['b-2', 'a-3', 'b-10'].map((call, i) => ({ call, attempt: i + 2, ageMs: 0 }));
  await statements.withdraw([...delegated.map((each) => ({ ...take, delegated: each })), take]);
  expect(written).toEqual([['a-3', 3, 'b-10', 4, 'b-2', 2]]);
});
