/** The whole console: asks for a key where the server wants one, and shows the page of the address. */
import { useEffect, useMemo, useState, type ComponentType } from 'react';
import { Navigate, Route, Routes, matchPath } from 'react-router';
import { Provider } from 'urql';
import { createClient } from './api/client';
import { session } from './api/session';
import { useStore } from './api/store';
import { Gate } from './gate';
import type { Scope } from './generated/operations';
import { listenForSlash } from './parts/search-box';
import { Needs } from './parts/needs';
import { Empty, Skeleton } from './parts/states';
import { ProductsPage } from './pages/products';
import { Shell } from './shell';

interface PageOf {
  readonly path: string;
  /** What its queries need. */
  readonly scope: Scope;
  readonly title: string;
  readonly page: ComponentType;
  /** Fetches its code; left out where that is part of the console's own. */
  readonly load?: () => Promise<unknown>;
}

/**
 * A page whose code is fetched when it is first shown, or before. React's `lazy` would show its fallback for at least
 * 300 ms, also where the code is there already.
 */
function apart(fetchPage: () => Promise<ComponentType>): Pick<PageOf, 'page' | 'load'> {
  let fetched: ComponentType | null = null;
  const load = async () => (fetched ??= await fetchPage());
  function Apart() {
    const [Shown, setShown] = useState(() => fetched);
    const [hasFailed, setFailed] = useState(false);
    useEffect(() => {
      load().then(
        (page) => {
          setShown(() => page);
        },
        () => {
          setFailed(true);
        },
      );
    }, []);
    if (Shown) return <Shown />;
    if (!hasFailed) return <Skeleton rows={10} />;
    return <Empty title="This page could not be fetched.">Reload it to try again.</Empty>;
  }
  return { page: Apart, load };
}

const PAGES: readonly PageOf[] = [
  {
    ...{ path: '/', scope: 'manage', title: 'Now' },
    ...apart(async () => (await import('./pages/now')).NowPage),
  },
  { path: 'products', scope: 'read', title: 'Products', page: ProductsPage },
  {
    ...{ path: 'products/:id', scope: 'read', title: 'Product' },
    ...apart(async () => (await import('./pages/product')).ProductPage),
  },
  {
    ...{ path: 'reservations', scope: 'read', title: 'Reservations' },
    ...apart(async () => (await import('./pages/reservations')).ReservationsPage),
  },
  {
    ...{ path: 'why', scope: 'manage', title: 'Why is this number so' },
    ...apart(async () => (await import('./pages/why')).WhyPage),
  },
  {
    ...{ path: 'sale', scope: 'manage', title: 'Try a sale' },
    ...apart(async () => (await import('./pages/sale')).SalePage),
  },
];

/** The code of the first page arrives while the server tells who is signed in. */
const first = PAGES.find(({ path }) => matchPath(`/console/${path}`, window.location.pathname));
// Where it fails, the page tries again and shows why.
first?.load?.().catch(() => undefined);

export function App() {
  const { key, refused } = useStore(session);
  // A client keeps what it has read, so each key gets its own. `key` is read by its credentials.
  const client = useMemo(() => createClient(), [key]);
  useEffect(listenForSlash, []);
  if (refused) return <Gate />;
  return (
    <Provider value={client}>
      <Shell>
        <Routes>
          {PAGES.map(({ path, scope, title, page: Shown }) => (
            <Route
              key={path}
              path={path}
              element={
                <Needs scope={scope} title={title}>
                  <Shown />
                </Needs>
              }
            />
          ))}
          <Route path="*" element={<Navigate to="/" replace />} />
        </Routes>
      </Shell>
    </Provider>
  );
}
