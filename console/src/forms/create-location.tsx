/** The form of a new location. */
import { useClient } from 'urql';
import { ConsoleCreateLocationDocument } from '../generated/operations';
import { FormDialog, type FormSpec } from './form-dialog';
import { outcomeOfError, textOf, wrong } from './outcomes';

export function CreateLocation({ onClose }: { readonly onClose: () => void }) {
  const client = useClient();
  const send: FormSpec['send'] = async (values) => {
    const input = { id: textOf(values, 'id') ?? '', name: textOf(values, 'name') ?? '' };
    const { data, error } = await client.mutation(ConsoleCreateLocationDocument, { input });
    if (!data) return error ? outcomeOfError(error) : wrong('', 'The answer was empty.');
    const answer = data.createLocation;
    switch (answer.__typename) {
      case 'Location':
        return { done: true };
      case 'InvalidInputError':
        return wrong(answer.field.split('.').at(-1) ?? '', answer.message);
      case 'LocationAlreadyExistsError':
        return wrong('id', answer.message);
    }
  };
  return (
    <FormDialog
      form={{
        title: 'New location',
        lead: 'A place that holds stock. Products get a level here when stock first arrives.',
        action: 'Create location',
        send,
        fields: [
          { name: 'id', label: 'Id', required: true, placeholder: 'berlin-1' },
          { name: 'name', label: 'Name', required: true },
        ],
      }}
      onClose={onClose}
    />
  );
}
