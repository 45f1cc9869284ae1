/**
 * What must be true after a storm, whatever happened in it. Each check returns sentences about what is wrong, so that a
 * failing test says which operation it was; none is what the tests expect.
 *
 * The database hands us a total order for each place, the ledger's sequence, so there is nothing to search: each
 * client's answers are compared with the lines that stand in the ledger under its reference.
 */
import type { LedgerLine, Shop } from './shop.js';
import type { Answer, LineAnswer } from './stock-calls.js';
import { referenceOf, type StormOperation, type StormRecord } from './storm.js';

export interface StormReport {
  readonly wrong: readonly string[];
  /** How many operations ended how: a storm in which nothing happened shows nothing. */
  readonly counts: {
    readonly operations: number;
    readonly linesApplied: number;
    readonly linesRefused: number;
    /** The client was never told, and had no key to ask with. */
    readonly unknown: number;
    /** Calls whose connection broke or was hung up. */
    readonly broken: number;
  };
}

/** To be called when the processes have stopped: nothing may be under way any more. */
export async function checkStorm(
  shop: Shop,
  initial: ReadonlyMap<string, number>,
  records: readonly StormRecord[],
): Promise<StormReport> {
  const byReference = new Map<string, LedgerLine[]>();
  for (const line of await shop.ledger()) {
    if (line.reference === null) continue;
    const lines = byReference.get(line.reference);
    if (lines) lines.push(line);
    else byReference.set(line.reference, [line]);
  }
  const checked = records.map((record) => {
    const written = byReference.get(referenceOf(record.operation.number)) ?? [];
    return checkOperation(record, written);
  });
  const conserved = checkSum(initial, checked, await shop.levels());
  const problems = (await shop.problems()).map((problem) => JSON.stringify(problem));
  const lines = records.flatMap(({ settled }) =>
    settled?.kind === 'ANSWERED' ? settled.lines : [],
  );
  return {
    wrong: [...problems, ...checked.flatMap(({ wrong }) => wrong), ...conserved],
    counts: {
      operations: records.length,
      linesApplied: lines.filter((line) => line.outcome === 'APPLIED').length,
      linesRefused: lines.filter((line) => line.outcome === 'REFUSED').length,
      unknown: records.filter(({ settled }) => settled === null).length,
      broken: records.flatMap(({ answers }) => answers).filter(({ kind }) => kind === 'UNKNOWN')
        .length,
    },
  };
}

interface Checked {
  readonly operation: StormOperation;
  readonly wrong: readonly string[];
  /** Indexes of the lines that took effect: by the answers, and by the ledger where nobody was told. */
  readonly applied: readonly number[];
}

function checkOperation(record: StormRecord, written: readonly LedgerLine[]): Checked {
  const { operation, answers, settled, again } = record;
  const wrong: string[] = [];
  const complain = (what: string) => {
    wrong.push(`${referenceOf(operation.number)} ${what}: ${JSON.stringify({ record, written })}`);
  };
  const { mode, idempotencyKey, items } = operation.call.input;

  for (const answer of answers) {
    if (answer.kind === 'FAULT') complain(`was answered ${answer.code}`);
  }
  if (idempotencyKey !== undefined && !settled) complain('was never settled');
  if (settled && operation.asksAgain && !isReplayOf(again, settled)) {
    complain('was answered otherwise the second time');
  }

  const effects = new Map(written.map((line) => [line.lineIndex, line]));
  if (effects.size < written.length) complain('has a line twice in the ledger');
  if (mode === 'ALL_OR_NOTHING' && effects.size > 0 && effects.size < items.length) {
    complain('was carried out in part');
  }
  const told = finalLines(answers);
  const applied: number[] = [];
  items.forEach((_, index) => {
    const lines = told.get(index) ?? [];
    const effect = effects.get(index);
    if (new Set(lines.map((line) => JSON.stringify(line))).size > 1)
      complain(`line ${index} has two answers`);
    const [line] = lines;
    if (line?.outcome === 'APPLIED') {
      applied.push(index);
      if (!effect) complain(`line ${index} was acknowledged and is not in the ledger`);
      else if (!describes(line, effect))
        complain(`line ${index} was told another story than the ledger's`);
    } else if (line?.outcome === 'REFUSED' && effect) {
      complain(`line ${index} was refused and is in the ledger`);
    } else if (effect) {
      applied.push(index);
      if (!mayBeUnknown(answers, index))
        complain(`line ${index} is in the ledger and nobody was told`);
    }
  });
  return { operation, wrong, applied };
}

/** By index, everything final that was said about a line. */
function finalLines(answers: readonly Answer[]): ReadonlyMap<number, readonly LineAnswer[]> {
  const told = new Map<number, LineAnswer[]>();
  for (const answer of answers) {
    if (answer.kind !== 'ANSWERED') continue;
    for (const line of answer.lines) {
      if (line.outcome === 'REFUSED' && line.retryable) continue;
      if (line.outcome === 'REFUSED' && line.mayHaveApplied) continue;
      told.set(line.index, [...(told.get(line.index) ?? []), line]);
    }
  }
  return told;
}

/** Whether a client may be left without knowing of this line: the connection broke, or it was told so. */
function mayBeUnknown(answers: readonly Answer[], index: number): boolean {
  return answers.some(
    (answer) =>
      answer.kind === 'UNKNOWN' ||
      (answer.kind === 'ANSWERED' &&
        answer.lines.some(
          (line) => line.index === index && line.outcome === 'REFUSED' && line.mayHaveApplied,
        )),
  );
}

function describes(line: LineAnswer & { outcome: 'APPLIED' }, effect: LedgerLine): boolean {
  const movementId = `${effect.productId}/${effect.locationId}/${effect.sequence}`;
  return line.movementId === movementId && line.remaining === effect.availableAfter;
}

function isReplayOf(again: Answer | null, settled: Answer): boolean {
  return (
    again?.kind === 'ANSWERED' &&
    settled.kind === 'ANSWERED' &&
    again.replayed &&
    JSON.stringify(again.lines) === JSON.stringify(settled.lines)
  );
}

/** What was there, and what was put in, and what was taken out, is what is there. */
function checkSum(
  initial: ReadonlyMap<string, number>,
  checked: readonly Checked[],
  levels: ReadonlyMap<string, number>,
): string[] {
  const expected = new Map(initial);
  for (const { operation, applied } of checked) {
    const { name, input } = operation.call;
    for (const index of applied) {
      const item = input.items[index];
      if (!item) continue;
      const place = `${item.productId}/${item.locationId ?? 'default'}`;
      const delta = name === 'deductStock' ? -item.quantity : item.quantity;
      expected.set(place, (expected.get(place) ?? 0) + delta);
    }
  }
  return [...new Set([...expected.keys(), ...levels.keys()])]
    .filter((place) => (expected.get(place) ?? 0) !== (levels.get(place) ?? 0))
    .map((place) => `${place} has ${levels.get(place)} where ${expected.get(place)} are explained`);
}
