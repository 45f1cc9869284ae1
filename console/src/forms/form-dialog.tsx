/**
 * A dialog with a form that sends one mutation. Each error stands at the field to which it belongs; one that belongs to
 * no field stands above the buttons. The idempotency key stays the same until the input changes.
 */
import { useId, useRef, useState } from 'react';
import { newIdempotencyKey } from '../api/idempotency';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Field, type FieldSpec } from './field';

export type Values = Readonly<Record<string, string>>;

/** What the server answered: done, or errors by the names of fields. `''` is the form itself. */
export type Outcome =
  | { readonly done: true }
  | { readonly errors: Readonly<Record<string, string>>; readonly retryable?: boolean };

export interface FormSpec {
  readonly title: string;
  readonly lead?: string;
  readonly fields: readonly FieldSpec[];
  readonly initial?: Values;
  readonly action: string;
  readonly danger?: boolean;
  readonly send: (values: Values, idempotencyKey: string) => Promise<Outcome>;
}

export function FormDialog({
  form,
  onClose,
}: {
  readonly form: FormSpec;
  readonly onClose: (done: boolean) => void;
}) {
  const { title, lead, fields, initial, action, danger = false, send } = form;
  const id = useId();
  const key = useRef(newIdempotencyKey());
  const [values, setValues] = useState<Values>(initial ?? {});
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const [sending, setSending] = useState(false);

  const change = (name: string, value: string) => {
    setValues({ ...values, [name]: value });
    setErrors((before) =>
      Object.fromEntries(Object.entries(before).filter(([key]) => key !== name && key !== '')),
    );
    key.current = newIdempotencyKey();
  };

  const submit = async () => {
    const missing = missingIn(fields, values);
    if (Object.keys(missing).length > 0) {
      setErrors(missing);
      focusFirst(id, fields, missing);
      return;
    }
    setSending(true);
    const outcome = await send(values, key.current);
    setSending(false);
    if ('done' in outcome) {
      onClose(true);
      return;
    }
    if (outcome.retryable === false) key.current = newIdempotencyKey();
    setErrors(outcome.errors);
    focusFirst(id, fields, outcome.errors);
  };

  const whole = errors[''];
  return (
    <Dialog
      title={title}
      onClose={() => {
        onClose(false);
      }}
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!sending) void submit();
        }}
      >
        {lead ? <p className="dialog-lead">{lead}</p> : null}
        <div className="fields">
          {fields.map((field, position) => (
            <Field
              key={field.name}
              id={`${id}-${field.name}`}
              field={field}
              value={values[field.name] ?? ''}
              error={errors[field.name]}
              autoFocus={position === 0}
              onChange={(value) => {
                change(field.name, value);
              }}
            />
          ))}
        </div>
        {whole ? (
          <div className="notice notice-bad" role="alert">
            <Icon name="warning" />
            <p>{whole}</p>
          </div>
        ) : null}
        <div className="dialog-foot">
          <button
            className="button"
            type="button"
            onClick={() => {
              onClose(false);
            }}
          >
            Cancel
          </button>
          <button
            className={danger ? 'button button-danger' : 'button button-primary'}
            type="submit"
            aria-disabled={sending}
          >
            {sending ? 'Sending …' : action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function missingIn(fields: readonly FieldSpec[], values: Values): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const { name, label, kind = 'text', required = false } of fields) {
    const value = (values[name] ?? '').trim();
    if (value === '') {
      if (required) problems[name] = `${label} is needed.`;
    } else if (kind === 'number' && !/^-?\d+$/.test(value)) {
      problems[name] = `${label} must be a whole number; got ${value}.`;
    }
  }
  return problems;
}

function focusFirst(
  id: string,
  fields: readonly FieldSpec[],
  errors: Readonly<Record<string, string>>,
): void {
  const wrong = fields.find(({ name }) => errors[name] !== undefined);
  if (wrong) document.getElementById(`${id}-${wrong.name}`)?.focus();
}
