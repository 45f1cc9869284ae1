/** What can be done with one product, each as a form whose errors stand where they belong. */
import type { Client } from 'urql';
import {
  ConsoleArchiveProductDocument,
  ConsoleDeductDocument,
  ConsoleIncreaseDocument,
  ConsoleReserveDocument,
  ConsoleRestoreProductDocument,
  ConsoleSetStockDocument,
  ConsoleTransferDocument,
  ConsoleUpdateProductDocument,
  type ConsoleProductQuery,
} from '../generated/operations';
import { Term } from '../parts/term';
import type { FieldSpec } from './field';
import type { FormSpec, Outcome, Values } from './form-dialog';
import { given, numberOf, outcomeOfError, outcomeOfStock, textOf, wrong } from './outcomes';

export type ProductAction =
  'rename' | 'count' | 'increase' | 'deduct' | 'transfer' | 'reserve' | 'archive' | 'restore';

interface FormParts {
  readonly client: Client;
  readonly product: NonNullable<ConsoleProductQuery['product']>;
  readonly locations: readonly { readonly value: string; readonly label: string }[];
}

const REASON: FieldSpec = { name: 'reason', label: 'Reason', hint: 'For the ledger.' };
const REFERENCE: FieldSpec = {
  name: 'reference',
  label: 'Reference',
  hint: 'The order or document that this belongs to.',
};
const QUANTITY: FieldSpec = { name: 'quantity', label: 'Units', kind: 'number', required: true };
const EMPTY = wrong('', 'The answer was empty.');

export function productForm(action: ProductAction, parts: FormParts): FormSpec {
  return FORMS[action](parts);
}

const FORMS: Readonly<Record<ProductAction, (parts: FormParts) => FormSpec>> = {
  rename: renameForm,
  count: countForm,
  increase: increaseForm,
  deduct: deductForm,
  transfer: transferForm,
  reserve: reserveForm,
  archive: archiveForm,
  restore: restoreForm,
};

function whereOf({ locations, product }: FormParts): { field: FieldSpec; first: string } {
  const first = product.levels[0]?.locationId ?? locations[0]?.value ?? 'default';
  return {
    first,
    field: {
      name: 'locationId',
      label: 'Location',
      kind: 'select',
      required: true,
      options: locations,
    },
  };
}

function lineOf(product: { readonly id: string }, values: Values) {
  return given({
    productId: product.id,
    locationId: textOf(values, 'locationId'),
    quantity: numberOf(values, 'quantity') ?? 0,
  });
}

function renameForm({ client, product }: FormParts): FormSpec {
  return {
    title: 'Name and threshold',
    action: 'Save',
    initial: {
      name: product.name,
      lowStockThreshold: product.lowStockThreshold?.toString() ?? '',
    },
    fields: [
      { name: 'name', label: 'Name', required: true },
      {
        name: 'lowStockThreshold',
        label: 'Low stock at',
        kind: 'number',
        hint: 'Empty: this product is never low.',
      },
    ],
    send: async (values) => {
      const input = {
        id: product.id,
        name: textOf(values, 'name') ?? '',
        lowStockThreshold: numberOf(values, 'lowStockThreshold') ?? null,
      };
      const { data, error } = await client.mutation(ConsoleUpdateProductDocument, { input });
      if (!data) return error ? outcomeOfError(error) : EMPTY;
      const answer = data.updateProduct;
      if (answer.__typename === 'Product') return { done: true };
      const field = answer.__typename === 'InvalidInputError' ? answer.field : '';
      return wrong(field.split('.').at(-1) ?? '', answer.message);
    },
  };
}

function countForm(parts: FormParts): FormSpec {
  const { client, product } = parts;
  const where = whereOf(parts);
  const expectedAt = (locationId: string) => {
    const level = product.levels.find((one) => one.locationId === locationId);
    return { changeFromQuantity: String(level?.onHand ?? 0) };
  };
  return {
    title: 'Set the counted quantity',
    lead: 'After a count: sets how many units are on hand at one location.',
    action: 'Set quantity',
    initial: { locationId: where.first, quantity: '', ...expectedAt(where.first) },
    derive: (name, value) => (name === 'locationId' ? expectedAt(value) : {}),
    fields: [
      where.field,
      {
        name: 'changeFromQuantity',
        label: 'Expected on hand',
        kind: 'number',
        hint: (
          <>
            The <Term name="compared quantity">compared quantity</Term>. Empty: the quantity is set
            without a comparison.
          </>
        ),
      },
      { ...QUANTITY, label: 'Counted units' },
      REASON,
    ],
    send: async (values, idempotencyKey) => {
      const input = given({
        productId: product.id,
        locationId: textOf(values, 'locationId'),
        changeFromQuantity: numberOf(values, 'changeFromQuantity') ?? null,
        quantity: numberOf(values, 'quantity') ?? 0,
        reason: textOf(values, 'reason'),
        idempotencyKey,
      });
      const { data, error } = await client.mutation(ConsoleSetStockDocument, { input });
      if (!data) return error ? outcomeOfError(error) : EMPTY;
      const answer = data.setStock;
      if (answer.__typename === 'StockSet') return { done: true };
      return outcomeOfStock(answer, ['quantity', 'locationId', 'changeFromQuantity']);
    },
  };
}

interface LineAnswer {
  readonly data?:
    | {
        readonly results: readonly (
          | {
              readonly __typename: 'FailedItem';
              readonly error: Parameters<typeof outcomeOfStock>[0];
            }
          | { readonly __typename: 'IncreasedItem' | 'DeductedItem' }
        )[];
      }
    | undefined;
}

function outcomeOfLine({ data }: LineAnswer): Outcome {
  const [line] = data?.results ?? [];
  if (!line) return EMPTY;
  if (line.__typename !== 'FailedItem') return { done: true };
  return outcomeOfStock(line.error, ['quantity', 'locationId']);
}

function increaseForm(parts: FormParts): FormSpec {
  const { client, product } = parts;
  const where = whereOf(parts);
  return {
    title: 'Add stock',
    lead: 'A delivery or a return: adds units at one location.',
    action: 'Add units',
    initial: { locationId: where.first },
    fields: [QUANTITY, where.field, REASON, REFERENCE],
    send: async (values, idempotencyKey) => {
      const input = given({
        items: [lineOf(product, values)],
        reason: textOf(values, 'reason'),
        reference: textOf(values, 'reference'),
        idempotencyKey,
      });
      const { data, error } = await client.mutation(ConsoleIncreaseDocument, { input });
      if (!data && error) return outcomeOfError(error);
      return outcomeOfLine({ data: data?.increaseStock });
    },
  };
}

function deductForm(parts: FormParts): FormSpec {
  const { client, product } = parts;
  const where = whereOf(parts);
  return {
    title: 'Deduct stock',
    lead: 'A sale: takes units from one location. Never more than are available.',
    action: 'Deduct units',
    initial: { locationId: where.first, quantity: '1' },
    fields: [QUANTITY, where.field, REASON, REFERENCE],
    send: async (values, idempotencyKey) => {
      const input = given({
        items: [lineOf(product, values)],
        reason: textOf(values, 'reason'),
        reference: textOf(values, 'reference'),
        idempotencyKey,
      });
      const { data, error } = await client.mutation(ConsoleDeductDocument, { input });
      if (!data && error) return outcomeOfError(error);
      return outcomeOfLine({ data: data?.deductStock });
    },
  };
}

function transferForm(parts: FormParts): FormSpec {
  const { client, product, locations } = parts;
  const where = whereOf(parts);
  const other = locations.find(({ value }) => value !== where.first)?.value ?? where.first;
  return {
    title: 'Transfer stock',
    lead: 'Moves units between two locations in one transaction.',
    action: 'Transfer units',
    initial: { fromLocationId: where.first, toLocationId: other },
    fields: [
      QUANTITY,
      { ...where.field, name: 'fromLocationId', label: 'From' },
      { ...where.field, name: 'toLocationId', label: 'To' },
      REASON,
    ],
    send: async (values, idempotencyKey) => {
      const input = given({
        productId: product.id,
        quantity: numberOf(values, 'quantity') ?? 0,
        fromLocationId: textOf(values, 'fromLocationId') ?? '',
        toLocationId: textOf(values, 'toLocationId') ?? '',
        reason: textOf(values, 'reason'),
        idempotencyKey,
      });
      const { data, error } = await client.mutation(ConsoleTransferDocument, { input });
      if (!data) return error ? outcomeOfError(error) : EMPTY;
      const answer = data.transferStock;
      if (answer.__typename === 'StockTransferred') return { done: true };
      return outcomeOfStock(answer, ['quantity']);
    },
  };
}

function reserveForm(parts: FormParts): FormSpec {
  const { client, product } = parts;
  const where = whereOf(parts);
  return {
    title: 'Hold units',
    lead: 'Reserves units while a customer checks out. They stay on hand, and are not available.',
    action: 'Hold units',
    initial: { locationId: where.first, quantity: '1', minutes: '15' },
    fields: [
      QUANTITY,
      where.field,
      { name: 'minutes', label: 'Minutes', kind: 'number', required: true },
      REFERENCE,
    ],
    send: async (values, idempotencyKey) => {
      const input = given({
        items: [lineOf(product, values)],
        ttlSeconds: (numberOf(values, 'minutes') ?? 0) * 60,
        reference: textOf(values, 'reference'),
        idempotencyKey,
      });
      const { data, error } = await client.mutation(ConsoleReserveDocument, { input });
      if (!data) return error ? outcomeOfError(error, { ttlSeconds: 'minutes' }) : EMPTY;
      const [failed] = data.reserveStock.failedItems;
      return failed ? outcomeOfStock(failed.error, ['quantity', 'locationId']) : { done: true };
    },
  };
}

function archiveForm({ client, product }: FormParts): FormSpec {
  return {
    title: `Archive ${product.name}?`,
    lead:
      'From then on deductions and new reservations of it are refused. It keeps its stock and its ledger, ' +
      'and can be restored.',
    action: 'Archive',
    danger: true,
    fields: [],
    send: async () => {
      const input = { id: product.id };
      const { data, error } = await client.mutation(ConsoleArchiveProductDocument, { input });
      if (!data) return error ? outcomeOfError(error) : EMPTY;
      const answer = data.archiveProduct;
      return answer.__typename === 'Product' ? { done: true } : wrong('', answer.message);
    },
  };
}

function restoreForm({ client, product }: FormParts): FormSpec {
  return {
    title: `Put ${product.name} back on sale?`,
    lead: 'It is sold again, with the stock that it has.',
    action: 'Restore',
    fields: [],
    send: async () => {
      const input = { id: product.id };
      const { data, error } = await client.mutation(ConsoleRestoreProductDocument, { input });
      if (!data) return error ? outcomeOfError(error) : EMPTY;
      const answer = data.restoreProduct;
      return answer.__typename === 'Product' ? { done: true } : wrong('', answer.message);
    },
  };
}
