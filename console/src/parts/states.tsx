/** What stands where data would: nothing yet, nothing found, an error, or a scope that is missing. */
import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { codeOf, messageOf } from '../api/client';
import { Icon } from './icon';

/** Rows of the height of real ones, so that nothing jumps when they come. */
export function Skeleton({ rows = 6 }: { readonly rows?: number }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} />
      ))}
    </div>
  );
}

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children ? <div className="empty-text">{children}</div> : null}
    </div>
  );
}

export function Failure({
  error,
  again,
}: {
  readonly error: CombinedError;
  readonly again?: () => void;
}) {
  const code = codeOf(error);
  if (code === 'FORBIDDEN') return <MissingScope message={messageOf(error)} />;
  return (
    <div className="notice notice-bad" role="alert">
      <Icon name="warning" />
      <p>
        {messageOf(error)}
        {code === null ? null : <code className="notice-code">{code}</code>}
      </p>
      {again ? (
        <button className="button button-small" type="button" onClick={again}>
          Try again
        </button>
      ) : null}
    </div>
  );
}

export function MissingScope({ message }: { readonly message: string }) {
  return (
    <div className="notice notice-warn" role="alert">
      <Icon name="key" />
      <p>
        <strong>Your API key does not allow this.</strong> {message}
      </p>
    </div>
  );
}
