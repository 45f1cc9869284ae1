/** The form of a new product. */
import { useClient } from 'urql';
import { useRead } from '../api/read';
import {
  ConsoleCreateProductDocument,
  ConsoleLocationsDocument,
  type CreateProductInput,
} from '../generated/operations';
import { FormDialog, type FormSpec } from './form-dialog';
import { locationOptions } from './location-options';
import { given, numberOf, outcomeOfError, textOf, wrong } from './outcomes';

const FORM: Pick<FormSpec, 'title' | 'action' | 'initial'> = {
  title: 'New product',
  action: 'Create product',
  initial: { locationId: 'default', quantity: '0' },
};

/** @param onClose called with the id of the new product, or null. */
export function CreateProduct({ onClose }: { readonly onClose: (id: string | null) => void }) {
  const client = useClient();
  const locations = useRead(ConsoleLocationsDocument, { variables: {} });
  let created: string | null = null;
  const send: FormSpec['send'] = async (values) => {
    const input: CreateProductInput = given({
      id: textOf(values, 'id') ?? '',
      name: textOf(values, 'name') ?? '',
      quantity: numberOf(values, 'quantity') ?? 0,
      locationId: textOf(values, 'locationId'),
      lowStockThreshold: numberOf(values, 'lowStockThreshold'),
    });
    const { data, error } = await client.mutation(ConsoleCreateProductDocument, { input });
    if (!data) return error ? outcomeOfError(error) : wrong('', 'The answer was empty.');
    const answer = data.createProduct;
    switch (answer.__typename) {
      case 'Product':
        created = answer.id;
        return { done: true };
      case 'InvalidInputError':
        return wrong(answer.field.split('.').at(-1) ?? '', answer.message);
      case 'ProductAlreadyExistsError':
        return wrong('id', answer.message);
    }
  };
  return (
    <FormDialog
      form={{
        ...FORM,
        send,
        fields: [
          {
            name: 'id',
            label: 'Id',
            required: true,
            placeholder: 'headphones-black',
            hint: 'Up to 64 letters, digits and . _ : - ; it cannot be changed later.',
          },
          { name: 'name', label: 'Name', required: true },
          { name: 'quantity', label: 'Units', kind: 'number', required: true },
          {
            name: 'locationId',
            label: 'Location',
            kind: 'select',
            required: true,
            options: locationOptions(locations.data?.locations),
          },
          {
            name: 'lowStockThreshold',
            label: 'Low stock at',
            kind: 'number',
            hint: 'The product is low while this many units or fewer are available.',
          },
        ],
      }}
      onClose={() => {
        onClose(created);
      }}
    />
  );
}
