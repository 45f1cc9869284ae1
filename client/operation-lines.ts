/**
 * What an answer says of its lines, and which of them are sent again.
 *
 * The server knows a request by its idempotency key and by all of its lines, so a request that is sent again under its
 * key is sent whole: decided lines are answered again, the others are tried again. Lines go alone, under a key of their
 * own, only where that cannot apply one twice:
 *
 * 1. The client has made the key. Under a caller's key the caller may send the whole request again, from any process.
 * 2. Each line stands for itself (PARTIAL).
 * 3. Every try under the key was answered, so none is still at work.
 * 4. The answer says of each of the lines that nothing was applied.
 */

export interface Failure {
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly mayHaveApplied?: boolean;
}

interface Line {
  readonly index: number;
  readonly error?: Failure;
}

type Variables = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, unknown>>;

/** The failures of an answer that may pass. */
export function passingFailures(answer: unknown): readonly Failure[] {
  const failures = [
    ...linesOf(answer, 'results').map(({ error }) => error),
    ...linesOf(answer, 'failedItems').map(({ error }) => error),
    answer,
  ];
  return failures.filter(isPassing);
}

/** A call that may need several requests; its lines are those of the first one. */
export class LineByLine {
  /** The places of the lines that are sent now, among all. */
  private places: readonly number[] | null = null;
  private results: Line[] = [];
  private isReplayed = true;
  /** Whether a try under the present key got no answer. */
  private isUnsure = false;

  constructor(
    public variables: Variables,
    private readonly options: { readonly ownKey: boolean; readonly newKey: () => string },
  ) {}

  /** Whether the present request may have been applied without an answer that says so. */
  get mayHaveApplied(): boolean {
    return this.isUnsure;
  }

  /** The present request got no answer that tells what became of it. */
  notAnswered(): void {
    this.isUnsure = true;
  }

  /** Takes an answer to the present request. @returns the answer to the whole call, as far as it is known. */
  merge(answer: unknown): unknown {
    if (!isRecord(answer) || !('results' in answer)) return answer;
    const lines = linesOf(answer, 'results');
    for (const line of lines) {
      const index = this.places?.[line.index] ?? line.index;
      this.results[index] = { ...line, index };
    }
    this.isReplayed &&= answer.replayed === true;
    return this.answer;
  }

  /** What is known of all lines; null where no answer had lines. */
  get answer(): unknown {
    if (this.results.length === 0) return null;
    return { replayed: this.isReplayed, results: [...this.results] };
  }

  /** Makes what is to be sent next the present request, after an answer with failures that may pass. */
  narrow(): void {
    const { input } = this.variables;
    const passing = this.results.filter(({ error }) => isPassing(error));
    const unsure = this.isUnsure || passing.some(({ error }) => error?.mayHaveApplied === true);
    if (!this.options.ownKey || unsure || passing.length === 0 || !isRecord(input)) return;
    if (input.mode === 'ALL_OR_NOTHING') return;
    const items = itemsOf(input);
    const places = this.places ?? items.map((_, place) => place);
    if (passing.length === items.length) return;
    const chosen = passing.map(({ index }) => items[places.indexOf(index)]);
    this.places = passing.map(({ index }) => index);
    this.variables = {
      ...this.variables,
      input: { ...input, items: chosen, idempotencyKey: this.options.newKey() },
    };
  }
}

function itemsOf(input: Fields): readonly unknown[] {
  // GraphQL takes a single value for a list of one.
  return Array.isArray(input.items) ? (input.items as readonly unknown[]) : [input.items];
}

function linesOf(answer: unknown, field: string): readonly Line[] {
  const lines = isRecord(answer) ? answer[field] : null;
  return Array.isArray(lines) ? (lines as readonly Line[]) : [];
}

function isPassing(value: unknown): value is Failure {
  return isRecord(value) && value.retryable === true;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
