/** A page that needs a scope. Without it the page says so, and asks the server for nothing. */
import type { ReactNode } from 'react';
import { useViewer } from '../api/viewer';
import type { Scope } from '../generated/operations';
import { Page } from './page';
import { MissingScope, Skeleton } from './states';

export function Needs({
  scope,
  title,
  children,
}: {
  readonly scope: Scope;
  /** Of the page. */
  readonly title: string;
  readonly children: ReactNode;
}) {
  const { known, may, scopes } = useViewer();
  if (!known) return <Skeleton rows={10} />;
  if (may(scope)) return children;
  return (
    <Page title={title}>
      <MissingScope
        message={`This page needs the scope ${scope}; the key has ${scopes.join(', ') || 'no scope'}.`}
      />
    </Page>
  );
}
