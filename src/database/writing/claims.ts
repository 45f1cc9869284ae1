/**
 * First step of an attempt: locks the rows of the operations that have a key, and reads the answers that earlier calls
 * have stored. Another call with the same key waits here until this transaction has ended.
 */
import { isDoubtful } from '../../inventory/delegated-write.js';
import { asReserved, type ReservationFailure } from '../../inventory/reservation.js';
import { compareBytes, type DecidedVerdict, type StockWrite } from '../../inventory/stock.js';
import type { Attempt, Known } from './known.js';
import type { KeyedOperation, StockStatements, StoredOperation } from './stock-statements.js';
import { readAnswers, refusalOf, verdictOf } from './stored-answers.js';

/** The decisions of earlier calls on a write. */
export interface Claim {
  readonly write: StockWrite;
  readonly key: KeyedOperation | null;
  /** The key belongs to another request, or to one whose answers have expired. */
  readonly reused: 'BY_ANOTHER' | 'EXPIRED' | null;
  /** Its own process has gone on with a later attempt. */
  readonly withdrawn: boolean;
  /** The write was refused as a whole. */
  readonly refused: { readonly failure: ReservationFailure; readonly replayed: boolean } | null;
  /** Answers by line index. */
  readonly decided: ReadonlyMap<number, DecidedVerdict>;
}

const NONE_DECIDED: ReadonlyMap<number, DecidedVerdict> = new Map();

/** @returns one claim for each write of the call, in their order. */
export async function claim(attempt: Attempt): Promise<readonly Claim[]> {
  const { stock, known } = attempt;
  const { writes, keys } = known;
  const earlier = await claimRows(stock, keys);
  const withdrawn = await readWithdrawn(attempt);
  return writes.map((write, i): Claim => {
    const key = keys[i] ?? null;
    const isWithdrawn = withdrawn.has(write);
    const none = { reused: null, refused: null, decided: NONE_DECIDED };
    const open = { write, key, withdrawn: isWithdrawn, ...none };
    const found = key && earlier.get(key.operationKey);
    if (!found) return open;
    const isSame = found.name === key.name && found.fingerprint.equals(key.fingerprint);
    if (!isSame) return { ...open, reused: 'BY_ANOTHER' };
    if (found.expired) return { ...open, reused: 'EXPIRED' };
    const answers = readAnswers(found.answers);
    if (isEarlierRequests(attempt, write, found)) known.noteAnswered(i, new Set(answers.keys()));
    const reserved = asReserved(write, found);
    return { ...open, write: reserved, ...earlierAnswers(known, i, answers) };
  });
}

/** The write without its decided lines. A reservation is created or closed as a whole. */
export function openPart({ write, reused, refused, withdrawn, decided }: Claim): StockWrite {
  if (reused || refused || withdrawn) return { ...write, type: 'LINES', lines: [] };
  if (decided.size === 0) return write;
  const lines = write.lines.filter((line) => !decided.has(line.index));
  return { ...write, type: 'LINES', lines };
}

/** Whether the stored answers are of an earlier request, and not of an attempt at this one. */
function isEarlierRequests(
  { mayHaveLeftTraces }: Attempt,
  write: StockWrite,
  { ageMs }: StoredOperation,
): boolean {
  if (mayHaveLeftTraces) return false;
  return !isDoubtful(write) || ageMs > (write.delegated?.ageMs ?? 0);
}

/** The first attempt need not read them: its UPDATE fails where it should have. */
async function readWithdrawn({
  withdrawals,
  number,
  known,
}: Attempt): Promise<ReadonlySet<StockWrite>> {
  const { delegated } = known;
  if (number === 1 || delegated.length === 0) return new Set();
  const found = await withdrawals.readWithdrawals(delegated);
  const attempts = new Map(found.map(({ call, attempt }) => [call, attempt]));
  return new Set(
    delegated.filter(({ delegated: of }) => of && (attempts.get(of.call) ?? 0) > of.attempt),
  );
}

/** Skips the read where every row is new. Several writes may belong to one operation. */
async function claimRows(
  stock: StockStatements,
  keys: readonly (KeyedOperation | null)[],
): Promise<ReadonlyMap<string, StoredOperation>> {
  const distinct = new Map<string, KeyedOperation>();
  for (const key of keys) if (key) distinct.set(key.operationKey, key);
  const earlier = new Map<string, StoredOperation>();
  if (distinct.size === 0) return earlier;
  const sorted = [...distinct.values()].sort((a, b) =>
    compareBytes(a.operationKey, b.operationKey),
  );
  const created = await stock.claimOperations(sorted);
  if (created === sorted.length) return earlier;
  for (const operation of await stock.readOperations(sorted)) {
    earlier.set(operation.operationKey, operation);
  }
  return earlier;
}

function earlierAnswers(
  known: Known,
  write: number,
  stored: ReadonlyMap<number, string>,
): Pick<Claim, 'refused' | 'decided'> {
  const failure = refusalOf(stored.get(0) ?? '');
  if (failure) {
    const replayed = known.wasAnswered(write, 0);
    return { refused: { failure, replayed }, decided: NONE_DECIDED };
  }
  const decided = new Map<number, DecidedVerdict>();
  for (const line of known.writes[write]?.lines ?? []) {
    const answer = stored.get(line.index);
    const replayed = known.wasAnswered(write, line.index);
    if (answer !== undefined) decided.set(line.index, { ...verdictOf(line, answer), replayed });
  }
  return { refused: null, decided };
}
