/**
 * What a transaction has the right to decide: the rows of the operations that have a key are taken first, and with them
 * come the answers that earlier calls have stored.
 */
import type { ReservationFailure } from '../../inventory/reservation.js';
import type { DecidedVerdict, StockWrite } from '../../inventory/stock.js';
import { operationKeyOf, type KeyedOperation, type StockStatements } from './stock-statements.js';
import { refusalOf, verdictOf, type StoredAnswer } from './stored-answers.js';

/** What earlier calls decided of a write. */
export interface Claim {
  readonly write: StockWrite;
  readonly key: KeyedOperation | null;
  /** The key belongs to another request, or to one whose answers are kept no more. */
  readonly reused: 'BY_ANOTHER' | 'EXPIRED' | null;
  /** It was refused as a whole. */
  readonly refused: { readonly failure: ReservationFailure; readonly replayed: boolean } | null;
  /** Answers by line index. */
  readonly decided: ReadonlyMap<number, DecidedVerdict>;
}

/** Of each write the lines whose answers stood before this call first tried to commit: only these are replays. */
export type AnsweredBefore = Map<StockWrite, ReadonlySet<number>>;

interface KnownOperation {
  readonly name: string;
  readonly fingerprint: Buffer;
  readonly expired: boolean;
  readonly answers: StoredAnswer[];
}

/** The write without what is decided already. */
export function openPart({ write, reused, refused, decided }: Claim): StockWrite {
  if (reused || refused) return { ...write, type: 'LINES', lines: [] };
  if (decided.size === 0) return write;
  const lines = write.lines.filter((line) => !decided.has(line.index));
  // A reservation is made or ended as a whole.
  return { ...write, type: 'LINES', lines };
}

export class Claims {
  constructor(
    private readonly statements: StockStatements,
    /** Whether an earlier attempt may have been applied. */
    private readonly settling: boolean,
    private readonly answeredBefore: AnsweredBefore,
  ) {}

  async of(writes: readonly StockWrite[]): Promise<readonly Claim[]> {
    const keys = writes.map(keyedOperation);
    const known = await this.claimRows(keys.filter((key) => key !== null));
    return writes.map((write, i): Claim => {
      const key = keys[i] ?? null;
      const open = { write, key, reused: null, refused: null, decided: NONE_DECIDED };
      const earlier = key && known.get(key.operationKey);
      if (!earlier) return open;
      const same = earlier.name === key.name && earlier.fingerprint.equals(key.fingerprint);
      if (!same) return { ...open, reused: 'BY_ANOTHER' };
      if (earlier.expired) return { ...open, reused: 'EXPIRED' };
      return { ...open, ...this.earlierAnswers(write, earlier.answers) };
    });
  }

  /** Nothing needs to be read where every row is new. Several writes may belong to one operation. */
  private async claimRows(keys: readonly KeyedOperation[]): Promise<Map<string, KnownOperation>> {
    const known = new Map<string, KnownOperation>();
    if (keys.length === 0) return known;
    const distinct = [...new Map(keys.map((key) => [key.operationKey, key])).values()];
    const sorted = distinct.sort(
      (a, b) =>
        Buffer.compare(a.scope, b.scope) || Buffer.compare(a.idempotencyKey, b.idempotencyKey),
    );
    const created = await this.statements.claimOperations(sorted);
    if (created === sorted.length) return known;
    for (const { operationKey, ...operation } of await this.statements.readOperations(sorted)) {
      known.set(operationKey, { ...operation, answers: [] });
    }
    for (const line of await this.statements.readOperationLines(sorted)) {
      known.get(line.operationKey)?.answers.push(line);
    }
    return known;
  }

  private earlierAnswers(
    write: StockWrite,
    stored: readonly StoredAnswer[],
  ): Pick<Claim, 'refused' | 'decided'> {
    // What is found first after a COMMIT was lost may have been stored by this very call.
    if (!this.settling) {
      this.answeredBefore.set(write, new Set(stored.map(({ lineIndex }) => lineIndex)));
    }
    const wasAnswered = (index: number) => this.answeredBefore.get(write)?.has(index) ?? false;
    const failure = stored[0] ? refusalOf(stored[0]) : null;
    if (failure) return { refused: { failure, replayed: wasAnswered(0) }, decided: NONE_DECIDED };
    const decided = new Map<number, DecidedVerdict>();
    for (const line of write.lines) {
      const answered = stored.find((candidate) => candidate.lineIndex === line.index);
      const replayed = wasAnswered(line.index);
      if (answered) decided.set(line.index, { ...verdictOf(line, answered), replayed });
    }
    return { refused: null, decided };
  }
}

const NONE_DECIDED: ReadonlyMap<number, DecidedVerdict> = new Map();

function keyedOperation(write: StockWrite): KeyedOperation | null {
  const { scope, idempotencyKey, name, fingerprint } = write.operation;
  if (idempotencyKey === null) return null;
  const key = {
    scope: Buffer.from(scope, 'utf8'),
    idempotencyKey: Buffer.from(idempotencyKey, 'utf8'),
  };
  return { ...key, operationKey: operationKeyOf(key.scope, key.idempotencyKey), name, fingerprint };
}
