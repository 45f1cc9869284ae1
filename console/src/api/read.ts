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
  /** What was read last, also while the next answer is on its way, and where that is an error. */
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
  const key = JSON.stringify(variables);
  const options = { query, variables, pause, requestPolicy: 'cache-and-network' };
  const [result, execute] = useQuery<Data, Variables>(options as UseQueryArgs<Variables, Data>);
  // After a change of the variables urql still tells the last result, which belongs to the ones before.
  const isOfThese = result.operation && JSON.stringify(result.operation.variables) === key;
  const shown = useLast((isOfThese ? result.data : null) ?? undefined, key);
  const isUnderWay = result.fetching || result.stale;
  const asking = useAsking({
    send: () => {
      execute({ requestPolicy: 'network-only' });
    },
    isUnderWay,
    pause,
    key,
  });
  const seen = useRef(epoch);
  useEffect(() => {
    if (seen.current === epoch || pause) return;
    seen.current = epoch;
    // A request of the time before may never be answered.
    asking.atOnce();
  }, [epoch, pause, asking]);
  useEffect(() => {
    if (everyMs === undefined || pause || state === 'lost') return;
    const timer = setInterval(() => {
      if (!document.hidden) asking.ifIdle();
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, [everyMs, pause, state, asking]);
  return {
    data: shown,
    error: isOfThese ? result.error : undefined,
    loading: shown === undefined && isUnderWay,
    again: asking.again,
  };
}

interface Asked {
  readonly send: () => void;
  readonly isUnderWay: boolean;
  readonly pause: boolean;
  /** Of the variables. */
  readonly key: string;
}

interface Asking {
  readonly atOnce: () => void;
  readonly ifIdle: () => void;
  /** At once, or when the request under way has ended: its answer may be older than the wish. */
  readonly again: () => void;
}

/**
 * When a query is sent again. To send it while it is under way aborts the request, so that answers which take longer
 * than the time between two calls would never be shown.
 */
function useAsking(asked: Asked): Asking {
  const current = useRef(asked);
  current.current = asked;
  const wish = useRef<string | null>(null);
  const { isUnderWay, pause, key } = asked;
  useEffect(() => {
    if (isUnderWay || pause) return;
    // Other variables are sent by themselves.
    if (wish.current === key) current.current.send();
    wish.current = null;
  }, [isUnderWay, pause, key]);
  const stable = useRef<Asking>({
    atOnce: () => {
      current.current.send();
    },
    ifIdle: () => {
      if (!current.current.isUnderWay) current.current.send();
    },
    again: () => {
      if (current.current.isUnderWay) wish.current = current.current.key;
      else current.current.send();
    },
  });
  return stable.current;
}

/** The value, or the last one that was there for this key. */
function useLast<T>(value: T | undefined, key: string): T | undefined {
  const last = useRef<{ readonly key: string; readonly value: T } | null>(null);
  if (value !== undefined) last.current = { key, value };
  return last.current?.key === key ? last.current.value : undefined;
}
