/** Who is signed in, and what the credential allows: pages ask for and offer no more than that. */
import { ConsoleViewerDocument, type Scope } from '../generated/operations';
import { useRead } from './read';

export interface Viewer {
  /** False until the server has told. */
  readonly known: boolean;
  /** Null: the server has no authentication. */
  readonly principal: string | null;
  readonly may: (scope: Scope) => boolean;
  readonly scopes: readonly Scope[];
}

const UNKNOWN: Viewer = { known: false, principal: null, may: () => false, scopes: [] };
/** The server could not tell. Then everything is offered, and the server decides. */
const UNTOLD: Viewer = { known: true, principal: null, may: () => true, scopes: [] };

export function useViewer(): Viewer {
  const { data, error } = useRead(ConsoleViewerDocument, { variables: {} });
  if (!data) return error ? UNTOLD : UNKNOWN;
  const { principal, scopes } = data.viewer;
  return { known: true, principal, scopes, may: (scope) => scopes.includes(scope) };
}
