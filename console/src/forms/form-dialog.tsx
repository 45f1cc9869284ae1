/**
 * A dialog with a form that sends one mutation. Each error stands at the field to which it belongs; one that belongs to
 * no field stands above the buttons. The idempotency key stays the same until the input changes, or the server has
 * decided what was sent under it.
 */
import { useEffect, useId, useRef, useState } from 'react';
import { newIdempotencyKey } from '../api/idempotency';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Field, type FieldSpec } from './field';

export type Values = Readonly<Record<string, string>>;

/** What the server answered: done, or errors by the names of fields. `''` is the form itself. */
export type Outcome =
  | { readonly done: true }
  | {
      readonly errors: Readonly<Record<string, string>>;
      /** The server has decided against what was sent; under the same key it would repeat that answer. */
      readonly isFinal?: boolean;
    };

export interface FormSpec {
  readonly title: string;
  readonly lead?: string;
  readonly fields: readonly FieldSpec[];
  readonly initial?: Values;
  /** Values that follow from a field that has changed. They replace those that were not entered by hand. */
  readonly derive?: (name: string, value: string) => Values;
  readonly action: string;
  readonly danger?: boolean;
  readonly send: (values: Values, idempotencyKey: string) => Promise<Outcome>;
}

/** The values, the errors and the sending of one form in its dialog. */
function useForm(
  { fields, initial, derive, send }: FormSpec,
  { id, onDone }: { readonly id: string; readonly onDone: () => void },
) {
  const key = useRef(newIdempotencyKey());
  const [values, setValues] = useState<Values>(initial ?? {});
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const [sending, setSending] = useState(false);
  const entered = useRef<ReadonlySet<string>>(new Set());
  const isShown = useIsShown();

  const change = (name: string, value: string) => {
    entered.current = new Set([...entered.current, name]);
    const derived = Object.entries(derive?.(name, value) ?? {});
    const followed = derived.filter(([other]) => !entered.current.has(other));
    setValues({ ...values, [name]: value, ...Object.fromEntries(followed) });
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
    // The page may have been left, and another form may be open in its place.
    if (!isShown.current) return;
    setSending(false);
    if ('done' in outcome) {
      onDone();
      return;
    }
    if (outcome.isFinal) key.current = newIdempotencyKey();
    setErrors(outcome.errors);
    focusFirst(id, fields, outcome.errors);
  };

  return { values, errors, sending, change, submit };
}

/** Whether the component is still on the page. */
function useIsShown(): { readonly current: boolean } {
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  return isShown;
}

export function FormDialog({
  form,
  onClose,
}: {
  readonly form: FormSpec;
  readonly onClose: (done: boolean) => void;
}) {
  const { title, lead, fields } = form;
  const id = useId();
  const onDone = () => {
    onClose(true);
  };
  const onCancel = () => {
    onClose(false);
  };
  const { values, errors, sending, change, submit } = useForm(form, { id, onDone });
  const whole = errors[''];
  return (
    <Dialog title={title} onClose={onCancel} isHeld={sending}>
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
        <Foot form={form} sending={sending} onCancel={onCancel} />
      </form>
    </Dialog>
  );
}

function Foot({
  form: { action, danger = false },
  sending,
  onCancel,
}: {
  readonly form: FormSpec;
  readonly sending: boolean;
  readonly onCancel: () => void;
}) {
  return (
    <div className="dialog-foot">
      <button
        className="button"
        type="button"
        aria-disabled={sending}
        onClick={() => {
          if (!sending) onCancel();
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
