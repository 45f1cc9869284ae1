/**
 * Last step of an attempt: stores the answers of operations that have a key, and gives each write its result.
 */
import type { Decision } from '../../inventory/decision.js';
import { toReservedItem, type Reservation } from '../../inventory/reservation.js';
import type { WriteResult } from '../../inventory/stock-store.js';
import type { DecidedVerdict } from '../../inventory/stock.js';
import { openPart, type Claim } from './claims.js';
import type { Attempt } from './known.js';
import type { OperationLineRow } from './stock-statements.js';
import { storedRefusal, storedVerdict } from './stored-answers.js';

export async function storeAnswers(
  { stock }: Attempt,
  claims: readonly Claim[],
  decisions: readonly Decision[],
): Promise<void> {
  const rows: OperationLineRow[] = [];
  for (const [i, claim] of claims.entries()) {
    const { key } = claim;
    const decision = decisions[i];
    if (!key || !decision || claim.reused) continue;
    if (decision.outcome === 'REFUSED') {
      rows.push({ ...key, ...storedRefusal(decision.failure) });
      continue;
    }
    openPart(claim).lines.forEach((line, at) => {
      const verdict = decision.verdicts[at];
      if (verdict) rows.push({ ...key, ...storedVerdict(line.index, verdict) });
    });
  }
  if (rows.length > 0) await stock.insertOperationLines(rows);
}

/** A write that created a reservation, now or in an earlier call, returns the reservation's present state. */
export async function answersOf(
  { reservations }: Attempt,
  claims: readonly Claim[],
  decisions: readonly Decision[],
): Promise<readonly WriteResult[]> {
  const results = claims.map((claim, i) => resultOf(claim, decisions[i]));
  const ids = claims.flatMap(({ write }, i) =>
    write.type === 'CREATING' && isApplied(results[i]) ? write.reservationId : [],
  );
  if (ids.length === 0) return results;
  const heads = new Map((await reservations.readHeads(ids)).map((head) => [head.id, head]));
  return results.map((result, i): WriteResult => {
    const write = claims[i]?.write;
    if (write?.type !== 'CREATING' || !isApplied(result)) return result;
    const head = heads.get(write.reservationId);
    if (!head)
      throw new Error(`Reservation ${write.reservationId} was created, but its row was not found.`);
    const reservation: Reservation = { ...head, items: write.lines.map(toReservedItem) };
    return { ...result, reservation };
  });
}

function resultOf(claim: Claim, decision: Decision | undefined): WriteResult {
  if (claim.reused) return { outcome: 'KEY_REUSED', answerExpired: claim.reused === 'EXPIRED' };
  if (claim.refused) return { outcome: 'REFUSED', ...claim.refused };
  if (!decision) throw new Error('A write was not decided.');
  if (decision.outcome === 'REFUSED') return { ...decision, replayed: false };
  const fresh = decision.verdicts.values();
  return {
    outcome: 'DECIDED',
    verdicts: claim.write.lines.map((line): DecidedVerdict => {
      const decided = claim.decided.get(line.index);
      if (decided) return decided;
      const { value } = fresh.next();
      if (!value) throw new Error(`Line ${line.index} was given no verdict.`);
      return { ...value, replayed: false };
    }),
  };
}

function isApplied(
  result: WriteResult | undefined,
): result is Extract<WriteResult, { outcome: 'DECIDED' }> {
  return (
    result?.outcome === 'DECIDED' && result.verdicts.every(({ outcome }) => outcome === 'APPLIED')
  );
}
