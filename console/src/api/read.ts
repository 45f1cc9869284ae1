/** Reading with React: a query that stays on the page while it is read again, and again when the server is back. */
import { useEffect, useRef } from 'react';
import {
  useQuery,
  type AnyVariables,
  type CombinedError,
  type TypedDocumentNode,
  type UseQueryArgs,
} from 'urql';
import { connection } from './connection';
import { useStore } from './store';

export interface Read<Data> {
  /** What was read last, also while the next answer is on its way. */
  readonly data: Data | undefined;
  readonly error: CombinedError | undefined;
  /** Nothing has been read yet. */
  readonly loading: boolean;
  readonly again: () => void;
}

export interface ReadOptions<Variables> {
  readonly variables: Variables;
  readonly pause?: boolean;
  /** Reads again after so many milliseconds, while the page is in view. */
  readonly everyMs?: number;
}

export function useRead<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  { variables, pause = false, everyMs }: ReadOptions<Variables>,
): Read<Data> {
  const { epoch, state } = useStore(connection);
  const options = { query, variables, pause, requestPolicy: 'cache-and-network' };
  const [{ data, error, fetching, stale }, execute] = useQuery<Data, Variables>(
    options as UseQueryArgs<Variables, Data>,
  );
  const again = useRef<() => void>(() => undefined);
  again.current = () => {
    execute({ requestPolicy: 'network-only' });
  };
  const seen = useRef(epoch);
  useEffect(() => {
    if (seen.current === epoch || pause) return;
    seen.current = epoch;
    again.current();
  }, [epoch, pause]);
  useEffect(() => {
    if (everyMs === undefined || pause || state === 'lost') return;
    const timer = setInterval(() => {
      if (!document.hidden) again.current();
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, [everyMs, pause, state]);
  const stable = useRef(() => {
    again.current();
  });
  return { data, error, loading: data === undefined && (fetching || stale), again: stable.current };
}
