/**
 * What must be true after a storm on real servers: the ledger as MySQL has it against what the clients saw. The checks
 * are the simulation's, in src/simulation/history-checks.ts.
 */
import type { HistoryOperation } from '../../src/simulation/history.js';
import { checkHistory, type HistoryReport } from '../../src/simulation/history-checks.js';
import type { Shop } from './shop.js';
import { referenceOf, type Storm, type StormRecord } from './storm.js';

/** To be called when the processes have stopped: nothing may be under way any more. */
export async function checkStorm(
  shop: Shop,
  initial: ReadonlyMap<string, number>,
  { records, reads }: Storm,
): Promise<HistoryReport> {
  const operations = records.map(toHistoryOperation);
  const [ledger, levels] = [await shop.ledger(), await shop.levels()];
  const { wrong, counts } = checkHistory({ initial, operations, reads, ledger, levels });
  const problems = (await shop.problems()).map((problem) => JSON.stringify(problem));
  return { wrong: [...problems, ...wrong], counts };
}

function toHistoryOperation({ operation, tries, settled, again }: StormRecord): HistoryOperation {
  const { call, number, asksAgain } = operation;
  const { items, mode, idempotencyKey } = call.input;
  const reference = referenceOf(number);
  return {
    name: reference,
    reference,
    atomic: mode === 'ALL_OR_NOTHING',
    keyed: idempotencyKey !== undefined,
    items: items.map(({ productId, locationId, quantity }) => ({
      productId: String(productId),
      locationId: String(locationId ?? 'default'),
      quantity,
      effect: call.name === 'deductStock' ? 'TAKE' : 'PUT',
    })),
    tries,
    settled,
    ...(settled && asksAgain && { again }),
  };
}
