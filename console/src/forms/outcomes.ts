/** From the answers of mutations to the fields of forms. */
import type { CombinedError } from 'urql';
import { codeOf, fieldOf, messageOf } from '../api/client';
import type { Outcome, Values } from './form-dialog';

/** Names of the API's inputs, where a form calls them otherwise. */
type FieldNames = Readonly<Record<string, string>>;

/**
 * A whole request that was refused, or not answered. It leaves open what became of the line: an earlier request with
 * the same key may have been applied though its answer was lost. So the form keeps its idempotency key.
 */
export function outcomeOfError(error: CombinedError, names: FieldNames = {}): Outcome {
  const field = lastOf(fieldOf(error) ?? '');
  const name = names[field] ?? field;
  if (codeOf(error) === 'BAD_USER_INPUT' && name !== '') return wrong(name, messageOf(error));
  const lost = error.graphQLErrors.length === 0;
  const message = lost
    ? 'The server did not answer. Send it again: with the same input it has one effect.'
    : messageOf(error);
  return { errors: { '': message } };
}

/** `input.items.0.quantity` names the field quantity. */
function lastOf(path: string): string {
  return path.split('.').at(-1) ?? '';
}

export function wrong(field: string, message: string): Outcome {
  return { errors: { [field]: message } };
}

/** To which field an error of a line belongs. */
const FIELDS: Readonly<Record<string, string>> = {
  INSUFFICIENT_STOCK: 'quantity',
  INVALID_QUANTITY: 'quantity',
  LOCATION_NOT_FOUND: 'locationId',
  PRODUCT_NOT_FOUND: 'productId',
  STALE_QUANTITY: 'changeFromQuantity',
};

export interface StockFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** The server has decided the line, unless it says that it is unavailable. */
export function outcomeOfStock(
  { code, message, retryable }: StockFailure,
  fields: readonly string[],
): Outcome {
  const field = FIELDS[code];
  const name = field !== undefined && fields.includes(field) ? field : '';
  return { errors: { [name]: message }, isFinal: !retryable && code !== 'UNAVAILABLE' };
}

/** Undefined where the field is empty. */
export function textOf(values: Values, name: string): string | undefined {
  const text = (values[name] ?? '').trim();
  return text === '' ? undefined : text;
}

export function numberOf(values: Values, name: string): number | undefined {
  const text = textOf(values, name);
  return text === undefined ? undefined : Number(text);
}

/** Leaves out what is undefined, as the API distinguishes absent from null. */
export function given<Input extends object>(
  input: Input,
): { [Name in keyof Input]: Exclude<Input[Name], undefined> } {
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  ) as never;
}
