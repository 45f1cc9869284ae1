/**
 * Finds the effects of an earlier attempt of the same call, whose COMMIT was sent and not answered. At the same server
 * this attempt holds the row locks, so the earlier transaction has ended. At another member of a cluster it may still
 * commit: then this attempt conflicts with it (conflicting-rows.ts), and one of the two fails. The effects for
 * operations without a key are found by operation id in the ledger and in the reservations.
 */
import {
  movementId,
  type CreatingWrite,
  type DecidedVerdict,
  type StockWrite,
} from '../../inventory/stock.js';
import type { Claim } from './claims.js';
import type { Attempt } from './known.js';
import type { Findings } from './levels.js';
import type { WrittenMovement } from './stock-statements.js';

/** The remaining quantity after a reservation is not part of any answer. */
const APPLIED_WITHOUT_MOVEMENT: DecidedVerdict = {
  outcome: 'APPLIED',
  remaining: 0,
  movementId: null,
  replayed: false,
};

export async function settle(
  { stock, reservations }: Attempt,
  claims: readonly Claim[],
  findings: Findings,
): Promise<readonly Claim[]> {
  const keyless = claims.filter(({ key }) => key === null).map(({ write }) => write);
  if (keyless.length === 0) return claims;
  const movements = await stock.readMovementsOf(keyless.map(({ operation }) => operation));
  const creating = keyless.filter((write): write is CreatingWrite => write.type === 'CREATING');
  const heads = creating.length > 0 ? await reservations.readHeads(idsOf(creating)) : [];
  const created = new Set(heads.map(({ id }) => id));
  const isDone = (write: StockWrite): boolean => {
    if (write.type === 'CREATING') return created.has(write.reservationId);
    if (write.type !== 'CLOSING') return false;
    const closedBy = findings.reservations.get(write.reservationId)?.closedBy;
    return closedBy?.equals(write.operation.id) ?? false;
  };
  return claims.map((claim): Claim => {
    if (claim.key !== null) return claim;
    const decided = tracesOf(claim.write, isDone(claim.write), movements);
    return decided.size === 0 ? claim : { ...claim, decided };
  });
}

function tracesOf(
  { operation, lines }: StockWrite,
  isDone: boolean,
  movements: readonly WrittenMovement[],
): Claim['decided'] {
  const decided = new Map<number, DecidedVerdict>();
  if (isDone) for (const { index } of lines) decided.set(index, APPLIED_WITHOUT_MOVEMENT);
  for (const { operationId, lineIndex, sequence, availableAfter } of movements) {
    if (!operationId.equals(operation.id)) continue;
    const line = lines.find(({ index }) => index === lineIndex);
    if (!line) continue;
    decided.set(lineIndex, {
      outcome: 'APPLIED',
      remaining: availableAfter,
      movementId: movementId(line, sequence),
      replayed: false,
    });
  }
  return decided;
}

function idsOf(writes: readonly CreatingWrite[]): readonly string[] {
  return writes.map(({ reservationId }) => reservationId);
}
