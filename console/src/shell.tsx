/** The frame around every page: navigation, the state of the connection, who is signed in, and the colours. */
import type { ReactNode } from 'react';
import { NavLink } from 'react-router';
import { connection } from './api/connection';
import { hasSaleTrials } from './api/server-kind';
import { session, signOut } from './api/session';
import { useStore } from './api/store';
import { useViewer } from './api/viewer';
import { Icon, type IconName } from './parts/icon';
import { Badge } from './parts/page';
import { ThemeToggle } from './parts/theme';

interface Place {
  readonly to: string;
  readonly icon: IconName;
  readonly name: string;
}

const PLACES: readonly Place[] = [
  { to: '/', icon: 'now', name: 'Now' },
  { to: '/products', icon: 'products', name: 'Products' },
  { to: '/why', icon: 'why', name: 'Why' },
  { to: '/reservations', icon: 'reservations', name: 'Reservations' },
];
const TRIAL: Place = { to: '/sale', icon: 'sale', name: 'Try a sale' };

export function Shell({ children }: { readonly children: ReactNode }) {
  const { state } = useStore(connection);
  const places = hasSaleTrials ? [...PLACES, TRIAL] : PLACES;
  return (
    <>
      <a className="skip visually-hidden" href="#content">
        Skip to the content
      </a>
      <div className="shell">
        <header className="side">
          <NavLink className="brand" to="/" aria-label="Stockade">
            <img src="/console/icon.svg" alt="" width="22" height="22" />
            Stockade
          </NavLink>
          <nav className="nav" aria-label="Pages">
            {places.map(({ to, icon, name }) => (
              <NavLink key={to} to={to} end={to === '/'}>
                <Icon name={icon} />
                {name}
              </NavLink>
            ))}
            <div className="nav-break" />
            <a href="/console/explorer">
              <Icon name="explorer" />
              Explorer
            </a>
          </nav>
          <div className="side-foot">
            <Who />
            <div className="side-line">
              <span className="link-state" data-state={state}>
                {state === 'up' ? 'Connected' : 'No answer'}
              </span>
              <ThemeToggle />
              <SignOut />
            </div>
          </div>
        </header>
        <main id="content" tabIndex={-1}>
          {state === 'lost' ? (
            <div className="lost" role="alert">
              <Icon name="warning" />
              The server does not answer. What you see may be old; it is tried again every second.
            </div>
          ) : null}
          {children}
        </main>
      </div>
    </>
  );
}

function Who() {
  const { principal, scopes } = useViewer();
  if (principal === null) return null;
  return (
    <div className="who">
      <strong>{principal}</strong>
      <span className="scopes">
        {scopes.map((scope) => (
          <Badge key={scope}>{scope}</Badge>
        ))}
      </span>
    </div>
  );
}

function SignOut() {
  const { key } = useStore(session);
  if (key === null) return null;
  return (
    <button
      className="button button-quiet button-icon"
      type="button"
      aria-label="Sign out"
      title="Sign out"
      onClick={signOut}
    >
      <Icon name="out" />
    </button>
  );
}
