/**
 * Last step of an attempt: stores the answers of operations that have a key, and gives each write its result.
 */
import { WITHDRAWN } from '../../inventory/delegated-write.js';
import type { Decision } from '../../inventory/decision.js';
import { toReservedItem, type Reservation } from '../../inventory/reservation.js';
import type { WriteResult } from '../../inventory/stock-store.js';
import { mayChange, type DecidedVerdict } from '../../inventory/stock.js';
import { openPart, type Claim } from './claims.js';
import type { Attempt } from './known.js';
import { storedRefusal, storedVerdict, writeAnswers, type LineAnswer } from './stored-answers.js';

export async function storeAnswers(
  { stock }: Attempt,
  claims: readonly Claim[],
  decisions: readonly Decision[],
): Promise<void> {
  // Several writes may belong to one operation.
  const decided = new Map<string, { readonly id: Buffer; readonly lines: LineAnswer[] }>();
  for (const [i, claim] of claims.entries()) {
    const { key } = claim;
    const decision = decisions[i];
    if (!key || !decision || claim.reused || claim.withdrawn) continue;
    const lines = answersTo(claim, decision);
    if (lines.length === 0) continue;
    const operation = decided.get(key.operationKey) ?? { id: key.id, lines: [] };
    operation.lines.push(...lines);
    decided.set(key.operationKey, operation);
  }
  if (decided.size === 0) return;
  const answered = Array.from(decided.values(), ({ id, lines }) => ({
    id,
    answers: writeAnswers(lines.sort((a, b) => a.lineIndex - b.lineIndex)),
  }));
  await stock.appendAnswers(answered.sort((a, b) => Buffer.compare(a.id, b.id)));
}

/** Whether the decision adds an answer to the row of the write's key. */
export function isAnswerStored(claim: Claim, decision: Decision): boolean {
  return answersTo(claim, decision).length > 0;
}

function answersTo(claim: Claim, decision: Decision): readonly LineAnswer[] {
  if (decision.outcome === 'REFUSED') return [storedRefusal(decision.failure)];
  // What may be granted later is not stored: the same request under the key is decided anew.
  if (claim.write.type === 'CREATING' && decision.verdicts.some(mayChange)) return [];
  return openPart(claim).lines.flatMap((line, at) => {
    const verdict = decision.verdicts[at];
    return verdict ? [storedVerdict(line, verdict)] : [];
  });
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
  if (claim.withdrawn) return WITHDRAWN;
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
