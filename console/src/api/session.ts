/**
 * The API key of this tab. It is kept in sessionStorage: it ends with the tab, and no other tab reads it. A server
 * without authentication asks for none.
 */
import { Store } from './store';

const KEY = 'stockade.key';

export interface Session {
  readonly key: string | null;
  /** The server has refused a request for want of a credential, or because of this one. */
  readonly refused: boolean;
  /** Why, in the server's words. */
  readonly reason: string | null;
}

export const session = new Store<Session>({
  key: sessionStorage.getItem(KEY),
  refused: false,
  reason: null,
});

export function signIn(key: string): void {
  sessionStorage.setItem(KEY, key);
  session.set({ key, refused: false, reason: null });
}

export function signOut(): void {
  sessionStorage.removeItem(KEY);
  session.set({ key: null, refused: true, reason: null });
}

export function noteRefused(reason: string): void {
  const current = session.get();
  if (!current.refused) session.set({ ...current, refused: true, reason });
}

/** The header of HTTP, which WebSockets send in `connection_init`. */
export function credentials(): Record<string, string> {
  const { key } = session.get();
  return key === null ? {} : { authorization: `Bearer ${key}` };
}
