/**
 * Answers as they are stored under an idempotency key: one short text for an operation, whatever the number of its
 * lines. `0-99P;` are a hundred lines of an unknown product, `0A7,3;1I2;` an applied line and a refused one.
 *
 *   text     = entry …             appended to by each transaction that decides lines of the operation
 *   entry    = lines answer ";"
 *   lines    = index | first "-" last
 *   answer   = A available[,sequence]    APPLIED; without a sequence: the quantity on hand did not change
 *              I available[,requested]   INSUFFICIENT_STOCK; requested where it is not the line's quantity
 *              S actual,expected         STALE_QUANTITY; expected is the caller's number, so it may be negative
 *              P | L | Q | B             PRODUCT_NOT_FOUND, LOCATION_NOT_FOUND, INVALID_QUANTITY, ABORTED
 *              X                         PRODUCT_ARCHIVED; versions before this cannot read it
 *              RN | RA | RC | RR | RE    the whole write, as its line 0: RESERVATION_NOT_FOUND, or
 *                                        RESERVATION_NOT_ACTIVE with ACTIVE, COMMITTED, RELEASED or EXPIRED
 *
 * Values that the repeated request contains are not stored.
 */
import type { ReservationFailure } from '../../inventory/reservation.js';
import {
  movementId,
  type StockFailure,
  type StockLine,
  type Verdict,
} from '../../inventory/stock.js';

/** The answer of one line, or of a whole write as its line 0. */
export interface LineAnswer {
  readonly lineIndex: number;
  readonly answer: string;
}

const PLAIN_FAILURES = {
  P: 'PRODUCT_NOT_FOUND',
  L: 'LOCATION_NOT_FOUND',
  Q: 'INVALID_QUANTITY',
  X: 'PRODUCT_ARCHIVED',
} as const;
const LETTERS = {
  PRODUCT_NOT_FOUND: 'P',
  LOCATION_NOT_FOUND: 'L',
  INVALID_QUANTITY: 'Q',
  PRODUCT_ARCHIVED: 'X',
} as const;
const REFUSALS = {
  RN: { code: 'RESERVATION_NOT_FOUND' },
  RA: { code: 'RESERVATION_NOT_ACTIVE', status: 'ACTIVE' },
  RC: { code: 'RESERVATION_NOT_ACTIVE', status: 'COMMITTED' },
  RR: { code: 'RESERVATION_NOT_ACTIVE', status: 'RELEASED' },
  RE: { code: 'RESERVATION_NOT_ACTIVE', status: 'EXPIRED' },
} as const satisfies Record<string, ReservationFailure>;
const REFUSAL_OF_STATUS = { ACTIVE: 'RA', COMMITTED: 'RC', RELEASED: 'RR', EXPIRED: 'RE' } as const;

const ENTRY = /(\d+)(?:-(\d+))?([A-Z]+[\d,-]*);/y;
const ANSWER = /^([A-Z]+)(?:(\d+)(?:,(-?\d+))?)?$/;

/**
 * Neighbouring lines with one answer are one entry.
 *
 * @param answers ascending by line.
 * @throws where a line has two answers: the transaction must not be committed.
 */
export function writeAnswers(answers: readonly LineAnswer[]): string {
  let text = '';
  let first: number | null = null;
  for (const [at, { lineIndex, answer }] of answers.entries()) {
    first ??= lineIndex;
    const next = answers[at + 1];
    if (next?.lineIndex === lineIndex) throw new Error(`Line ${lineIndex} was decided twice.`);
    if (next?.answer === answer && next.lineIndex === lineIndex + 1) continue;
    text += `${first}${lineIndex > first ? `-${lineIndex}` : ''}${answer};`;
    first = null;
  }
  return text;
}

/** @returns the answers by line index. @throws where the text is not of this form. */
export function readAnswers(text: string): ReadonlyMap<number, string> {
  const answers = new Map<number, string>();
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < text.length) {
    const [, first, last = first, answer] = ENTRY.exec(text) ?? unreadable(text);
    for (let index = Number(first); index <= Number(last); index += 1) {
      answers.set(index, answer ?? unreadable(text));
    }
  }
  return answers;
}

export function storedVerdict(line: StockLine, verdict: Verdict): LineAnswer {
  return { lineIndex: line.index, answer: answerOf(line, verdict) };
}

function answerOf(line: StockLine, verdict: Verdict): string {
  if (verdict.outcome === 'APPLIED') {
    const { remaining, movementId: id } = verdict;
    return id === null ? `A${remaining}` : `A${remaining},${id.slice(id.lastIndexOf('/') + 1)}`;
  }
  const { failure } = verdict;
  switch (failure.code) {
    case 'INSUFFICIENT_STOCK': {
      const { requested, available } = failure;
      return requested === line.quantity ? `I${available}` : `I${available},${requested}`;
    }
    case 'STALE_QUANTITY':
      return `S${failure.actual},${failure.expected}`;
    case 'PRODUCT_NOT_FOUND':
    case 'PRODUCT_ARCHIVED':
    case 'LOCATION_NOT_FOUND':
    case 'INVALID_QUANTITY':
      return LETTERS[failure.code];
    case 'ABORTED':
      return 'B';
    default:
      throw new Error(`${failure.code} is not final, and so is no answer to store.`);
  }
}

export function verdictOf(line: StockLine, answer: string): Verdict {
  const [, code = '', first, second] = ANSWER.exec(answer) ?? unreadable(answer);
  const available = Number(first ?? 0);
  if (code !== 'A') {
    return { outcome: 'REFUSED', failure: failureOf(line, { code, available, second }) };
  }
  return {
    outcome: 'APPLIED',
    remaining: available,
    movementId: second === undefined ? null : movementId(line, Number(second)),
  };
}

function failureOf(
  { quantity }: StockLine,
  stored: {
    readonly code: string;
    readonly available: number;
    readonly second: string | undefined;
  },
): StockFailure {
  const { code, available, second } = stored;
  switch (code) {
    case 'I':
      return { code: 'INSUFFICIENT_STOCK', requested: Number(second ?? quantity), available };
    case 'S':
      return { code: 'STALE_QUANTITY', expected: Number(second ?? 0), actual: available };
    case 'P':
    case 'L':
    case 'Q':
    case 'X':
      return { code: PLAIN_FAILURES[code] };
    case 'B':
      // Only final answers are stored, so the line that aborted this one was final, too.
      return { code: 'ABORTED', retryable: false };
    default:
      return unreadable(code);
  }
}

/** A write that was refused as a whole is stored as its line 0. */
export function storedRefusal(failure: ReservationFailure): LineAnswer {
  const answer =
    failure.code === 'RESERVATION_NOT_ACTIVE' ? REFUSAL_OF_STATUS[failure.status] : 'RN';
  return { lineIndex: 0, answer };
}

/** Null where the answer is one line's. */
export function refusalOf(answer: string): ReservationFailure | null {
  return Object.hasOwn(REFUSALS, answer) ? REFUSALS[answer as keyof typeof REFUSALS] : null;
}

function unreadable(text: string): never {
  throw new Error(`A stored answer is not of the form that this version reads: "${text}".`);
}
