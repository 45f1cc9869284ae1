/** A value outside of React that components read with `useStore`: the session, the connection, live levels. */
import { useSyncExternalStore } from 'react';

export class Store<Value> {
  private readonly listeners = new Set<() => void>();

  constructor(private current: Value) {}

  readonly get = (): Value => this.current;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  set(value: Value): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const listener of this.listeners) listener();
  }
}

export function useStore<Value>(store: Store<Value>): Value {
  return useSyncExternalStore(store.subscribe, store.get);
}
