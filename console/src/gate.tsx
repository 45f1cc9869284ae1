/** Asks for an API key. The key stays in this tab, and is sent with every request to this server alone. */
import { useState } from 'react';
import { session, signIn } from './api/session';
import { useStore } from './api/store';
import { Field } from './forms/field';

export function Gate() {
  const { key, reason } = useStore(session);
  const [value, setValue] = useState('');
  const [missing, setMissing] = useState(false);
  // Without a key, the server's words only say that one is needed.
  const error = missing
    ? 'An API key is needed.'
    : key === null
      ? undefined
      : (reason ?? undefined);
  return (
    <main className="gate">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const given = value.trim();
          setMissing(given === '');
          if (given !== '') signIn(given);
        }}
      >
        <span className="brand">
          <img src="/console/icon.svg" alt="" /> Stockade
        </span>
        <h1>Sign in</h1>
        <p className="soft">
          This server asks for an API key. An operator creates one with{' '}
          <code>stockade keys create</code>.
        </p>
        <Field
          id="key"
          field={{
            name: 'key',
            label: 'API key',
            required: true,
            secret: true,
            hint: 'It is kept in this tab, and forgotten when the tab is closed.',
          }}
          value={value}
          error={error}
          autoFocus
          onChange={(text) => {
            setValue(text);
            setMissing(false);
          }}
        />
        <button className="button button-primary" type="submit">
          Sign in
        </button>
      </form>
    </main>
  );
}
