/**
 * Deducting and increasing, with answers as plain values: what a buyer's program would keep of them. That the
 * connection broke is an answer like others: a test of faults goes on from there.
 */
import {
  CreateProductDocument,
  DeductStockDocument,
  IncreaseStockDocument,
  type CreateProductInput,
  type DeductStockInput,
  type DeductStockMutation,
  type IncreaseStockMutation,
} from '../generated/operations.js';
import { dataOf, send } from './graphql-client.js';
import type { Ask, Outcome } from './running-app.js';

export interface StockCall {
  readonly name: 'deductStock' | 'increaseStock';
  readonly input: DeductStockInput;
}

export type LineAnswer =
  | {
      readonly outcome: 'APPLIED';
      readonly index: number;
      readonly remaining: number;
      readonly movementId: string;
    }
  | {
      readonly outcome: 'REFUSED';
      readonly index: number;
      readonly code: string;
      readonly retryable: boolean;
      /** It may have been applied all the same; only UNAVAILABLE can say so. */
      readonly mayHaveApplied: boolean;
      /** Only of INSUFFICIENT_STOCK. */
      readonly available?: number;
    };

export type Answer =
  | { readonly kind: 'ANSWERED'; readonly lines: readonly LineAnswer[]; readonly replayed: boolean }
  /** A fault of the whole request, by its code in GraphQL's errors. */
  | { readonly kind: 'FAULT'; readonly code: string }
  /** The connection broke: anything may have happened. */
  | { readonly kind: 'UNKNOWN'; readonly reason: string };

/** So many units of each product out, in the order in which they are named. */
export function deduction(
  units: Readonly<Record<string, number>>,
  rest: Omit<DeductStockInput, 'items'> = {},
): StockCall {
  return { name: 'deductStock', input: { items: toItems(units), ...rest } };
}

/** So many units of each product in, in the order in which they are named. */
export function increase(
  units: Readonly<Record<string, number>>,
  rest: Omit<DeductStockInput, 'items'> = {},
): StockCall {
  return { name: 'increaseStock', input: { items: toItems(units), ...rest } };
}

function toItems(units: Readonly<Record<string, number>>): DeductStockInput['items'] {
  return Object.entries(units).map(([productId, quantity]) => ({ productId, quantity }));
}

/** Sends the call once. Never rejects. */
export async function callStock(
  graphqlUrl: string,
  call: StockCall,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Answer> {
  try {
    return await askStock(
      (document, variables) => send(graphqlUrl, document, variables, options),
      call,
    );
  } catch (error) {
    return { kind: 'UNKNOWN', reason: String(error) };
  }
}

/** Asks once, by whichever way; rejects where that does. */
export async function askStock(ask: Ask, { name, input }: StockCall): Promise<Answer> {
  if (name === 'deductStock') {
    const outcome = await ask(DeductStockDocument, { input });
    return readAnswer(outcome, outcome.data?.deductStock);
  }
  const outcome = await ask(IncreaseStockDocument, { input });
  return readAnswer(outcome, outcome.data?.increaseStock);
}

function readAnswer(
  { errors }: Outcome<unknown>,
  payload: DeductStockMutation['deductStock'] | IncreaseStockMutation['increaseStock'] | undefined,
): Answer {
  if (!payload || errors) return { kind: 'FAULT', code: String(errors?.[0]?.extensions?.code) };
  const lines = payload.results.map((result): LineAnswer => {
    const { index } = result;
    if (result.__typename !== 'FailedItem') {
      const { remaining, movementId } = result;
      return { outcome: 'APPLIED', index, remaining, movementId };
    }
    const { error } = result;
    const mayHaveApplied = error.__typename === 'UnavailableError' && error.mayHaveApplied;
    return {
      outcome: 'REFUSED',
      index,
      code: error.code,
      retryable: error.retryable,
      mayHaveApplied,
      ...(error.__typename === 'InsufficientStockError' && { available: error.available }),
    };
  });
  return { kind: 'ANSWERED', lines, replayed: payload.replayed };
}

/** The lines of an answer that has some. @throws where it has none. */
export function linesOf(answer: Answer): readonly LineAnswer[] {
  if (answer.kind !== 'ANSWERED') throw new Error(`No lines: ${JSON.stringify(answer)}`);
  return answer.lines;
}

/** Each line in short: what remained of a line that was applied, the code of one that was refused. */
export function brief(answer: Answer): readonly (number | string)[] {
  if (answer.kind !== 'ANSWERED') return [answer.kind === 'FAULT' ? answer.code : answer.reason];
  return answer.lines.map((line) => (line.outcome === 'APPLIED' ? line.remaining : line.code));
}

/** Whether nothing of this answer can change when the same call is sent again under its key. */
export function isFinal(answer: Answer): boolean {
  if (answer.kind !== 'ANSWERED') return answer.kind === 'FAULT' && answer.code !== 'UNAVAILABLE';
  return answer.lines.every((line) => line.outcome === 'APPLIED' || !line.retryable);
}

/** Sends the call once. Resolves with the result's type, or the code of the request's fault. */
export async function createProduct(
  graphqlUrl: string,
  product: Omit<CreateProductInput, 'name'>,
): Promise<string> {
  const input = { ...product, name: 'A product' };
  const response = await send(graphqlUrl, CreateProductDocument, { input });
  const [error] = response.errors ?? [];
  return error ? String(error.extensions?.code) : dataOf(response).createProduct.__typename;
}
