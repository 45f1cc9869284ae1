/** One field of a form: its label, hint and error, tied together for screen readers. */
import type { ReactNode } from 'react';

export interface FieldSpec {
  readonly name: string;
  readonly label: string;
  readonly kind?: 'text' | 'number' | 'select';
  readonly hint?: ReactNode;
  readonly required?: boolean;
  readonly placeholder?: string;
  /** Shown as dots. */
  readonly secret?: boolean;
  /** For a select. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

interface FieldProps {
  readonly id: string;
  readonly field: FieldSpec;
  readonly value: string;
  readonly error: string | undefined;
  readonly autoFocus?: boolean;
  readonly onChange: (value: string) => void;
}

export function Field({ id, field, value, error, autoFocus = false, onChange }: FieldProps) {
  const { label, kind = 'text', hint, required = false, placeholder, options = [], secret } = field;
  const described = [error ? `${id}-error` : '', hint ? `${id}-hint` : '']
    .filter(Boolean)
    .join(' ');
  const shared = {
    id,
    value,
    autoFocus,
    'aria-invalid': error !== undefined,
    'aria-required': required,
    ...(described ? { 'aria-describedby': described } : {}),
    onChange: (event: { readonly target: { readonly value: string } }) => {
      onChange(event.target.value);
    },
  };
  return (
    <div className="field" data-invalid={error !== undefined}>
      <label htmlFor={id}>
        {label}
        {required ? null : <span className="field-optional">optional</span>}
      </label>
      {kind === 'select' ? (
        <select {...shared}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...shared}
          type={secret ? 'password' : 'text'}
          inputMode={kind === 'number' ? 'numeric' : 'text'}
          autoComplete="off"
          spellCheck={false}
          placeholder={placeholder}
        />
      )}
      {error ? (
        <p className="field-error" id={`${id}-error`} role="alert">
          {error}
        </p>
      ) : null}
      {hint ? (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
    </div>
  );
}
