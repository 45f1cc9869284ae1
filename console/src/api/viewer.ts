/** Who is signed in, and what the credential allows: pages offer no more than that. */
import { ConsoleViewerDocument, type Scope } from '../generated/operations';
import { useRead } from './read';

export interface Viewer {
  /** Null: the server has no authentication. */
  readonly principal: string | null;
  readonly may: (scope: Scope) => boolean;
  readonly scopes: readonly Scope[];
}

/** Until it is known, everything is offered, and the server decides. */
const UNKNOWN: Viewer = { principal: null, may: () => true, scopes: [] };

export function useViewer(): Viewer {
  const { data } = useRead(ConsoleViewerDocument, { variables: {} });
  if (!data) return UNKNOWN;
  const { principal, scopes } = data.viewer;
  return { principal, scopes, may: (scope) => scopes.includes(scope) };
}
