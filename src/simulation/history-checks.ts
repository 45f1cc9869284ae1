/**
 * The checks after a storm, on real servers and in the simulation. Each check returns a sentence for each violation,
 * with the operation; a correct history gives none.
 *
 * The database gives a total order for each place, the ledger's sequence, so no order has to be searched for:
 * 1. Each answer agrees with the lines that stand in the ledger under the operation's reference, and each operation
 *    took effect once, all or none where it asked for that.
 * 2. The sum is conserved: initial stock plus increases minus deductions equals the final stock.
 * 3. Real time: an operation answered before another call began comes before that call in the ledger.
 * 4. Every refusal and every read has a moment within its call at which the replayed ledger justifies it.
 */
import {
  finalLines,
  type Answer,
  type History,
  type HistoryLedgerLine,
  type HistoryOperation,
  type LineAnswer,
  type Try,
} from './history.js';
import { checkMoments, type MomentCounts } from './moment-checks.js';

export interface HistoryReport {
  readonly wrong: readonly string[];
  /** Counts of outcomes, to show that the storm reached them. */
  readonly counts: {
    readonly operations: number;
    readonly linesApplied: number;
    readonly linesRefused: number;
    /** The client got no answer, and had no key for a repetition. */
    readonly unknown: number;
    /** Calls whose connection broke or was hung up. */
    readonly broken: number;
  } & MomentCounts;
}

/** Call it when the processes have stopped: no operation may be under way. */
export function checkHistory(history: History): HistoryReport {
  const byReference = new Map<string, HistoryLedgerLine[]>();
  for (const line of history.ledger) {
    if (line.reference === null) continue;
    const lines = byReference.get(line.reference);
    if (lines) lines.push(line);
    else byReference.set(line.reference, [line]);
  }
  const { operations } = history;
  const checked = operations.map((operation) =>
    checkOperation(operation, writesLines(operation) ? byReference.get(operation.reference) : []),
  );
  const moments = checkMoments(history);
  const told = operations.flatMap(({ settled }) =>
    settled?.kind === 'ANSWERED' ? settled.lines : [],
  );
  return {
    wrong: [
      ...checked.flatMap(({ wrong }) => wrong),
      ...checkSum(history, checked),
      ...moments.wrong,
    ],
    counts: {
      operations: operations.length,
      linesApplied: told.filter((line) => line.outcome === 'APPLIED').length,
      linesRefused: told.filter((line) => line.outcome === 'REFUSED').length,
      unknown: operations.filter(({ settled }) => settled === null).length,
      broken: operations
        .flatMap(({ tries }) => tries)
        .filter(({ answer }) => answer.kind === 'UNKNOWN').length,
      ...moments.counts,
    },
  };
}

function writesLines({ items }: HistoryOperation): boolean {
  return items.every(({ effect }) => effect !== 'HOLD' && effect !== 'FREE');
}

interface Checked {
  readonly operation: HistoryOperation;
  readonly wrong: readonly string[];
  /** The lines that took effect: by the answers, or by the ledger where the client got no answer. */
  readonly applied: readonly number[];
  readonly effects: ReadonlyMap<number, HistoryLedgerLine>;
}

function checkOperation(
  operation: HistoryOperation,
  written: readonly HistoryLedgerLine[] = [],
): Checked {
  const { atomic, keyed, items, tries, settled, again } = operation;
  const wrong: string[] = [];
  const complain = (what: string) => {
    wrong.push(`${operation.name} ${what}: ${JSON.stringify({ operation, written })}`);
  };
  for (const { answer } of tries) {
    if (answer.kind === 'FAULT') complain(`was answered ${answer.code}`);
  }
  if (keyed && !settled) complain('was never settled');
  if (settled && again !== undefined && !isReplayOf(again, settled)) {
    complain('was answered otherwise the second time');
  }
  const effects = new Map(written.map((line) => [line.lineIndex, line]));
  if (effects.size < written.length) complain('has a line twice in the ledger');
  if (atomic && effects.size > 0 && effects.size < items.length) {
    complain('was carried out in part');
  }
  const told = finalLines(tries);
  const applied: number[] = [];
  items.forEach((_, index) => {
    const lines = told.get(index) ?? [];
    const effect = effects.get(index);
    if (new Set(lines.map((line) => JSON.stringify(line))).size > 1) {
      complain(`line ${index} has two answers`);
    }
    const [line] = lines;
    if (line?.outcome === 'APPLIED') {
      applied.push(index);
      const problem = contradiction(line, effect, tries);
      if (problem !== null) complain(`line ${index} ${problem}`);
    } else if (line?.outcome === 'REFUSED' && effect) {
      complain(`line ${index} was refused and is in the ledger`);
    } else if (effect) {
      applied.push(index);
      if (!mayBeUnknown(tries, index)) {
        complain(`line ${index} is in the ledger and the client was not told`);
      }
    }
  });
  return { operation, wrong, applied, effects };
}

/** Null where the answer agrees with the ledger. */
function contradiction(
  line: LineAnswer & { outcome: 'APPLIED' },
  effect: HistoryLedgerLine | undefined,
  tries: readonly Try[],
): string | null {
  if (line.movementId === null) {
    return effect ? 'was told that nothing changed on hand and is in the ledger' : null;
  }
  if (!effect) return 'was acknowledged and is not in the ledger';
  const movementId = `${effect.productId}/${effect.locationId}/${effect.sequence}`;
  const remainingIsTrue = line.remaining === null || line.remaining === effect.availableAfter;
  if (line.movementId !== movementId || !remainingIsTrue) {
    return 'was told another story than the ledger’s';
  }
  const { committedMs } = effect;
  if (committedMs !== undefined && toldAppliedMs(tries, line.index) < committedMs) {
    return 'was acknowledged before its COMMIT';
  }
  return null;
}

function toldAppliedMs(tries: readonly Try[], index: number): number {
  const told = tries.filter(
    ({ answer }) =>
      answer.kind === 'ANSWERED' &&
      answer.lines.some((line) => line.index === index && line.outcome === 'APPLIED'),
  );
  return Math.min(...told.map(({ endMs }) => endMs));
}

/** Whether the client may lack the line's outcome: its connection broke, or the answer said that it is unknown. */
function mayBeUnknown(tries: readonly Try[], index: number): boolean {
  return tries.some(
    ({ answer }) =>
      answer.kind === 'UNKNOWN' ||
      (answer.kind === 'ANSWERED' &&
        answer.lines.some(
          (line) => line.index === index && line.outcome === 'REFUSED' && line.mayHaveApplied,
        )),
  );
}

function isReplayOf(again: Answer | null, settled: Answer): boolean {
  return (
    again?.kind === 'ANSWERED' &&
    settled.kind === 'ANSWERED' &&
    again.replayed &&
    JSON.stringify(again.lines) === JSON.stringify(settled.lines)
  );
}

function checkSum({ initial, levels }: History, checked: readonly Checked[]): string[] {
  const expected = new Map(initial);
  for (const { operation, applied, effects } of checked) {
    if (!writesLines(operation)) continue;
    for (const index of applied) {
      const item = operation.items[index];
      if (!item) continue;
      const place = `${item.productId}/${item.locationId}`;
      const set = effects.get(index)?.delta ?? 0;
      const { effect, quantity } = item;
      const delta = effect === 'SET' ? set : effect === 'PUT' ? quantity : -quantity;
      expected.set(place, (expected.get(place) ?? 0) + delta);
    }
  }
  return [...new Set([...expected.keys(), ...levels.keys()])]
    .filter((place) => (expected.get(place) ?? 0) !== (levels.get(place) ?? 0))
    .map((place) => `${place} has ${levels.get(place)} where ${expected.get(place)} are explained`);
}
